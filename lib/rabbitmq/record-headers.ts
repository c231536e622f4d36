import { isBytes } from '../core/bytes.js'
import type { Headers } from '../core/record.js'
import type { RabbitmqMessage, RabbitmqProperties } from './message.js'

/** Properties that become a header `amqp.<name>`. */
const named = [
  'contentType',
  'contentEncoding',
  'deliveryMode',
  'priority',
  'correlationId',
  'replyTo',
  'expiration',
  'messageId',
  'timestamp',
  'type',
  'userId',
  'appId',
] as const satisfies readonly (keyof RabbitmqProperties)[]

/** Tables within tables that are looked into; nobody nests deeper, and whoever does must not exhaust the stack. */
const deepest = 16

/**
 * The headers of a record: those of the message under their names, and its exchange, routing key and properties as `amqp.<name>`.
 * A header whose name begins with `amqp.` or `millrace.` is found as `amqp.header.<name>`, so that nobody can feign what we say.
 */
export function recordHeaders({ exchange, routingKey, properties }: RabbitmqMessage): Headers {
  const headers = new Map<string, Uint8Array | null>()
  for (const [name, value] of Object.entries(properties.headers ?? {})) {
    const isOurs = name.startsWith('amqp.') || name.startsWith('millrace.')
    headers.set(isOurs ? `amqp.header.${name}` : name, headerBytes(value))
  }
  headers.set('amqp.exchange', Buffer.from(exchange))
  headers.set('amqp.routingKey', Buffer.from(routingKey))
  for (const name of named) {
    const value = properties[name]
    if (value !== undefined) headers.set(`amqp.${name}`, Buffer.from(String(value)))
  }
  return headers
}

/** Bytes and null as they are; anything else as text: numbers, booleans, timestamps (seconds) and decimals in digits, tables and lists as JSON. */
function headerBytes(value: unknown): Uint8Array | null {
  if (value === null || value === undefined) return null
  if (isBytes(value)) return Uint8Array.prototype.slice.call(value)
  const plain = plainValue(value, 0)
  return Buffer.from(typeof plain === 'string' ? plain : JSON.stringify(plain))
}

/** What JSON can say: bytes within tables are base64, numbers that JSON has not are text. */
function plainValue(value: unknown, depth: number): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value
  if (isBytes(value)) return Buffer.from(value).toString('base64')
  if (depth === deepest) return 'nested too deeply'
  if (Array.isArray(value)) return value.map((part) => plainValue(part, depth + 1))
  const table = value as Readonly<Record<string, unknown>>
  return (
    scalarOf(table) ??
    Object.fromEntries(Object.entries(table).map(([name, part]) => [name, plainValue(part, depth + 1)]))
  )
}

/** Of a table in which amqplib says what JavaScript has no type for. A sender may have made one that only looks like it. */
function scalarOf({ '!': type, value }: Readonly<Record<string, unknown>>): number | string | undefined {
  if (type === 'timestamp' && typeof value === 'number') return value
  const { places, digits } = (value ?? {}) as { readonly places?: unknown; readonly digits?: unknown }
  return type === 'decimal' && Number.isInteger(places) && Number.isInteger(digits)
    ? decimalText(digits as number, places as number)
    : undefined
}

function decimalText(digits: number, places: number): string {
  const text = String(digits).padStart(places + 1, '0')
  return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`
}
