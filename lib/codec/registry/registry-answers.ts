import { MillraceError, reasonOf } from '../../core/errors.js'
import type { AvroSchema } from '../avro/avro-schema.js'
import { avroType, type AvroType } from '../avro/avro-type.js'
import { RegistryFailure, type Answer, type RegistryHttp } from './registry-http.js'

/** A schema as a registry has it. */
export interface Registered {
  readonly schema: AvroSchema
  /** Those that define what it refers to, each after those that it uses itself. */
  readonly named: readonly AvroSchema[]
}

/** The registry has it, and it is of no use here; or it does not have it. */
export class NoSchema extends Error {
  /** The registry may have it later. */
  readonly isMissing: boolean

  constructor(isMissing: boolean, message: string) {
    super(message)
    this.isMissing = isMissing
  }
}

const maxReferences = 200

/** What `body.schema` and `body.references` say. Throws `NoSchema` and `RegistryFailure`. */
export async function registeredIn(http: RegistryHttp, { body }: Answer): Promise<Registered> {
  const named = new Map<string, AvroSchema>()
  const begun = new Set<string>()
  const refer = async (references: unknown): Promise<void> => {
    if (!Array.isArray(references)) return
    for (const reference of references as readonly unknown[]) {
      const { subject, version } = (reference ?? {}) as { subject?: unknown; version?: unknown }
      if (typeof subject !== 'string' || typeof version !== 'number')
        throw new NoSchema(false, 'it has a reference that names no subject')
      const name = `${subject} ${version}`
      if (begun.has(name)) continue
      if (begun.size >= maxReferences) throw new NoSchema(false, `it refers to more than ${maxReferences} schemas`)
      begun.add(name)
      const answer = await http.ask('GET', `/subjects/${encodeURIComponent(subject)}/versions/${version}`)
      if (answer.status !== 200)
        throw new NoSchema(true, `it refers to version ${version} of ${subject}, which the registry does not have`)
      const schema = schemaIn(answer)
      await refer(answer.body.references)
      named.set(name, schema)
    }
  }
  const schema = schemaIn({ body })
  await refer(body.references)
  return { schema, named: [...named.values()] }
}

/** Throws `NoSchema` for what avsc cannot use. */
export function typeOf({ schema, named }: Registered): AvroType {
  try {
    return avroType(schema, named)
  } catch (error) {
    throw new NoSchema(false, reasonOf(error))
  }
}

function schemaIn({ body: { schema, schemaType = 'AVRO' } }: Pick<Answer, 'body'>): AvroSchema {
  if (schemaType !== 'AVRO')
    throw new NoSchema(
      false,
      `it is a schema of type ${typeof schemaType === 'string' ? schemaType.slice(0, 40) : typeof schemaType}, and not of Avro`,
    )
  if (typeof schema !== 'string') throw new RegistryFailure('refused', 'the answer of the registry has no schema in it')
  try {
    return JSON.parse(schema) as AvroSchema
  } catch {
    // A name may stand there without its quotes.
    if (/^[A-Za-z_][\w.]*$/.test(schema)) return schema
    throw new NoSchema(false, 'what the registry has there is no JSON')
  }
}

/** The whole number in an answer. Throws `RegistryFailure`. */
export function idIn({ body: { id } }: Answer): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= 0x7fffffff) return id
  throw new RegistryFailure('refused', 'the answer of the registry has no id in it, which is a whole number of 32 bits')
}

export const refusedSchema = (what: string): MillraceError => new MillraceError('SCHEMA_REFUSED', what)
