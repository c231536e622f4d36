import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Json } from '../../connect/json.js'
import { isJsonObject, type JsonObject } from '../messages/json-object.js'

interface Described {
  readonly schema?: unknown
  readonly keyProperties?: readonly string[]
  readonly tombstones?: 'refuse' | 'skip' | 'deleted-at'
}

/** What SCHEMA says of the records. */
export function schemaMessage(stream: string, options: Described): JsonObject {
  const { keyProperties = [], tombstones } = options
  const schema = jsonSchemaOf(options.schema)
  return {
    type: 'SCHEMA',
    stream,
    schema: tombstones === 'deleted-at' ? withDeletions(schema, keyProperties) : schema,
    key_properties: keyProperties,
  }
}

/** JSON Schema as it is, or what a schema library says its values are in JSON (Standard JSON Schema, zod from 4.2 on). */
export function jsonSchemaOf(schema: unknown): JsonObject {
  if (schema === undefined) return { type: 'object', properties: {}, additionalProperties: true }
  const { jsonSchema } = (schema as { '~standard'?: { jsonSchema?: StandardJsonSchema } })['~standard'] ?? {}
  if (jsonSchema === undefined) return withoutDialect(schema as JsonObject)
  try {
    return withoutDialect(jsonSchema.input({ target: 'draft-07' }))
  } catch (cause) {
    throw new MillraceError('DEFINITION_INVALID', `singerSink: the schema has no JSON Schema: ${reasonOf(cause)}`, {
      cause,
    })
  }
}

interface StandardJsonSchema {
  input(options: { readonly target: 'draft-07' }): JsonObject
}

/** Some programs know no dialect beyond draft 4 and stop at the name of another. */
function withoutDialect(schema: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema'))
}

/** A deletion has its keys and when it was deleted, and nothing else. */
function withDeletions(schema: JsonObject, keys: readonly string[]): JsonObject {
  const properties = isJsonObject(schema.properties) ? schema.properties : {}
  const required = Array.isArray(schema.required)
    ? (schema.required as Json[]).filter((name) => keys.includes(name as string))
    : keys
  const deletedAt = { type: ['null', 'string'], format: 'date-time' }
  return { ...schema, properties: { ...properties, _sdc_deleted_at: deletedAt }, required }
}

/** The key of a record as the property that it is, as the number that the schema says. */
export function keyColumn(key: string, options: Described): JsonObject {
  const [name = 'key'] = options.keyProperties ?? []
  const { properties } = jsonSchemaOf(options.schema)
  const property = isJsonObject(properties) ? properties[name] : undefined
  const types = isJsonObject(property) ? [property.type].flat() : []
  if (!types.some((type) => type === 'integer' || type === 'number')) return { [name]: key }
  const number = Number(key)
  if (key.trim() === '' || !Number.isFinite(number) || (types.includes('integer') && !Number.isSafeInteger(number)))
    throw new Error(`the key '${key.slice(0, 100)}' of a tombstone is not the number that '${name}' is`)
  return { [name]: number }
}
