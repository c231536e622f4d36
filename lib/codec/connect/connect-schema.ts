import { MillraceError } from '../../core/errors.js'

/** A schema of Kafka Connect as `JsonConverter` writes it. Source: Kafka 4.1, `connect/json`, `JsonSchema`. */
export interface ConnectSchema extends ConnectType {
  /** Null is a value. */
  readonly optional: boolean
  /** Of a field of a struct. */
  readonly field?: string
  readonly default?: unknown
}

/** What a schema says of values that are not null. */
export interface ConnectType {
  readonly type: 'boolean' | 'int32' | 'int64' | 'float' | 'double' | 'string' | 'bytes' | 'array' | 'struct'
  /** Of a logical type, such as `org.apache.kafka.connect.data.Timestamp`. */
  readonly name?: string
  readonly version?: number
  readonly parameters?: Readonly<Record<string, string>>
  readonly items?: ConnectSchema
  readonly fields?: readonly ConnectSchema[]
}

/** How the values of a place in a schema of zod are written. */
export interface Form {
  readonly type: ConnectType
  /** JSON of a value, which is neither null nor undefined. Throws `VALUE_INVALID`. */
  write(value: unknown): string
  /** The value of what JSON says, in which whole numbers beyond 2^53 are bigints. Throws `VALUE_INVALID`. */
  read(raw: unknown): unknown
}

/** What has no place in Connect, where, and what to do. */
export function noForm(path: string, what: string, todo: string): MillraceError {
  return new MillraceError('DEFINITION_INVALID', `${path}: ${what} has no Connect form; ${todo}`)
}

export function invalid(what: string): MillraceError {
  return new MillraceError('VALUE_INVALID', what)
}

const logical = 'org.apache.kafka.connect.data.'

export const timestampType: ConnectType = { type: 'int64', name: `${logical}Timestamp`, version: 1 }
export const dateType: ConnectType = { type: 'int32', name: `${logical}Date`, version: 1 }
export const timeType: ConnectType = { type: 'int32', name: `${logical}Time`, version: 1 }

/** The least precision is that of the column, where the sink looks for it. */
export function decimalType(scale: number, precision: number): ConnectType {
  const parameters = { scale: String(scale), 'connect.decimal.precision': String(precision) }
  return { type: 'bytes', name: `${logical}Decimal`, version: 1, parameters }
}
