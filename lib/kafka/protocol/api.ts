import type { Reader } from '../wire/reader.js'
import type { Writer } from '../wire/writer.js'

/**
 * One request of the Kafka protocol in the range of versions we speak; the highest one the broker speaks too is used.
 * Source of all of them: https://kafka.apache.org/protocol.html#protocol_api_keys
 */
export interface Api<Request, Response> {
  readonly key: number
  readonly name: string
  readonly lowest: number
  readonly highest: number
  /** What this request cannot be said in above it. @default highest */
  highestFor?(request: Request): number
  /** From this version on lengths are compact and structures end in tagged fields (KIP-482). */
  readonly flexibleFrom: number
  encode(writer: Writer, request: Request, version: number): void
  decode(reader: Reader, version: number): Response
  /** About how large the request will be, so that large ones are built in one buffer. */
  sizeHint?(request: Request): number
}

/** The value of `flexibleFrom` of an API whose flexible versions we do not speak. */
export const neverFlexible = Number.POSITIVE_INFINITY

/** Things that belong to partitions, in the shape in which nearly every request wants them. */
export type ByTopic<T> = readonly (readonly [topic: string, items: readonly T[]])[]

/** Groups by topic, keeping the order. */
export function byTopic<T extends { readonly topic: string }>(items: Iterable<T>): ByTopic<T> {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const known = topics.get(item.topic)
    if (known === undefined) topics.set(item.topic, [item])
    else known.push(item)
  }
  return [...topics]
}

/** `topics => name [partitions]`, as it opens nearly every request. */
export function writeByTopic<T extends { readonly topic: string }>(
  writer: Writer,
  items: Iterable<T>,
  write: (item: T) => void,
  writeTopic: (topic: string, items: readonly T[]) => void = (topic) => void writer.string(topic),
): void {
  writer.array(byTopic(items), ([topic, partitions]) => {
    writeTopic(topic, partitions)
    writer.array(partitions, write)
    writer.end()
  })
}

/** The same in responses, flattened. */
export function readByTopic<T>(
  reader: Reader,
  read: (topic: string) => T,
  readTopic = (): string => reader.string(),
): T[] {
  const all: T[] = []
  reader.array(() => {
    const topic = readTopic()
    reader.array(() => all.push(read(topic)))
    reader.end()
  })
  return all
}
