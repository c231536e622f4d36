import type { Headers } from '../lib/core/record.js'
import type { Logger } from '../lib/core/logger.js'
import type { ClientTopic, LogClient } from '../lib/log/client/client.js'

/** A record as a consumer outside the app reads it. */
export interface Read<V> {
  readonly key: string | null
  readonly value: V | null
  readonly partition: number
  readonly headers: Readonly<Record<string, string>>
}

/** All committed records of a topic. */
export async function readAll<V>(log: LogClient, from: ClientTopic<V>): Promise<Read<V>[]> {
  const found: Read<V>[] = []
  for await (const { key, value, record } of log.read(from)) {
    found.push({ key, value, partition: record.partition, headers: textOf(record.headers) })
  }
  return found
}

function textOf(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].map(([name, value]) => [name, Buffer.from(value ?? []).toString('utf8')]))
}

/** A logger that keeps what was warned of. */
export function listeningLogger(): Logger & { readonly warnings: readonly string[] } {
  const warnings: string[] = []
  const quiet = (): void => undefined
  return {
    warnings,
    debug: quiet,
    info: quiet,
    warn: (_fields, message) => void warnings.push(message ?? ''),
    error: quiet,
  }
}
