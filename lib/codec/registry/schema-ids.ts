import type { Awaited } from '../../core/key-format.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { AvroCore, Source } from '../avro/avro-core.js'
import type { CodecPlace } from '../codec.js'
import type { Known, RegistryClient } from './registry.js'
import { refusedSchema } from './registry-answers.js'

type Schemas = Pick<AvroCore<unknown>, 'schema' | 'type' | 'sourceOf' | 'invalid'>

/** How to read what was written under an id, or why that cannot be. */
type Reading = Source | { readonly why: string }

const headerLength = 5
/** No bytes give it. */
const nothing = -(2 ** 40)
const mostReadings = 10_000

/** The ids that one topic's keys or values come with: which one is written, and how each is read. */
export class SchemaIds implements Awaited {
  /** Before what is written; undefined before `prepare('write')`. */
  header: Buffer | undefined
  readonly #place: CodecPlace
  readonly #subject: string
  readonly #values: Schemas
  readonly #registry: RegistryClient
  readonly #readings = new Map<number, Reading>()
  /** Of the record before: most have the same one. */
  #lastId = nothing
  #last: Source | undefined

  constructor(place: CodecPlace, subject: string, values: Schemas, registry: RegistryClient) {
    this.#place = place
    this.#subject = subject
    this.#values = values
    this.#registry = registry
  }

  get trouble(): string | undefined {
    return this.#registry.trouble
  }

  /** Throws `VALUE_INVALID` for what has no such header, and for an id that is not known, or cannot be read as this schema. */
  sourceAt(bytes: Buffer, start: number, end: number): Source {
    const id = idAt(bytes, start, end)
    if (id === this.#lastId) return this.#last as Source
    if (id < 0)
      throw this.#invalid(
        'it does not begin with a zero byte and the id of a schema, as the wire format of registries has it',
      )
    const reading = this.#readings.get(id) ?? this.#read(id)
    if (reading === undefined) throw this.#invalid(this.#whyNot(id))
    if ('why' in reading) throw this.#invalid(reading.why)
    this.#lastId = id
    this.#last = reading
    return reading
  }

  missing(bytes: Buffer, start: number, end: number): Promise<void> | undefined {
    const id = idAt(bytes, start, end)
    // What is no header is refused when it is decoded.
    if (id === this.#lastId || id < 0 || this.#readings.has(id)) return undefined
    return this.#registry.known(id) === undefined ? this.#registry.load(id) : undefined
  }

  async prepare(use: 'read' | 'write', signal: AbortSignal): Promise<void> {
    await this.#within(() => (use === 'write' ? this.#write(signal) : this.#look(signal)))
  }

  async #write(signal: AbortSignal): Promise<void> {
    if (this.header !== undefined) return
    const { schema, type } = this.#values
    const id = await this.#registry.idOf(this.#subject, schema, type, signal)
    if (id === undefined) return
    const header = Buffer.alloc(headerLength)
    header.writeInt32BE(id, 1)
    this.header = header
  }

  /** An app that could read none of the newest records need not begin. */
  async #look(signal: AbortSignal): Promise<void> {
    if (this.#registry.options.check === false) return
    const known = await this.#registry.latestOf(this.#subject, signal)
    const reading = known && this.#readingOf(known)
    if (reading === undefined || !('why' in reading)) return
    throw refusedSchema(
      `subject '${this.#subject}': what its latest schema writes cannot be read by this app: ${reading.why}. Change the schema of the topic, or start with check: false, and such records are refused one by one.`,
    )
  }

  /** Undefined when the id is not known. What the registry did not have it may have later: that is not kept. */
  #read(id: number): Reading | undefined {
    const known = this.#registry.known(id, true)
    if (known === undefined) return undefined
    const reading = this.#readingOf(known)
    if ('why' in known && known.until < Infinity) return reading
    this.#readings.set(id, reading)
    if (this.#readings.size > mostReadings) this.#readings.delete(this.#readings.keys().next().value as number)
    return reading
  }

  #readingOf(known: Known): Reading {
    if ('why' in known) return known
    try {
      return this.#values.sourceOf(known.type)
    } catch (error) {
      return { why: reasonOf(error) }
    }
  }

  #whyNot(id: number): string {
    const trouble = this.trouble === undefined ? '' : `; ${this.trouble}`
    return `schema ${id} has not been asked for yet: wait for codec.awaited.missing(bytes, start, end)${trouble}`
  }

  notPrepared(): MillraceError {
    const { topic, part } = this.#place
    const todo = `name ${topic} where it is written: emits: [${topic}] of the state object, publish or to`
    return new MillraceError(
      'DEFINITION_INVALID',
      `the schema of the ${part} has no id yet. It is registered when an app starts that is known to write the topic: ${todo}`,
      { topic },
    )
  }

  #invalid(why: string): MillraceError {
    return this.#values.invalid(why)
  }

  async #within(work: () => Promise<void>): Promise<void> {
    const { topic, part } = this.#place
    try {
      await work()
    } catch (cause) {
      if (!MillraceError.is(cause)) throw cause
      throw new MillraceError(cause.code, `topic '${topic}', its ${part}: ${cause.message}`, { topic, cause })
    }
  }
}

/** Negative where there is none. */
function idAt(bytes: Buffer, start: number, end: number): number {
  return end - start < headerLength || bytes[start] !== 0 ? -1 : bytes.readInt32BE(start + 1)
}
