import { topic, type Codec, type LogClient } from 'millrace'

/** What a topic says last about each key, a number of it. */
export async function latest<V>(
  log: LogClient,
  name: string,
  codec: Codec<V>,
  number: (value: V) => number,
): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for await (const { key, value } of log.read(topic(name, codec)))
    if (value !== null) found.set(String(key), number(value))
  return found
}
