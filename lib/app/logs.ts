import * as kafka from '../kafka/kafka-log.js'
import type { KafkaOptions } from '../kafka/connection/options.js'
import type { LogClient } from '../log/client/client.js'
import { MillraceError } from '../core/errors.js'
import { checkOptions, whole, type Rules } from '../core/options.js'
import type { Log, LogPort } from '../log/port.js'
import * as memory from '../memory/memory-log.js'

/**
 * Kafka, to share one set of connections between apps, or to send and read beside them. Nothing is connected before it is
 * used; an unreachable broker is tried again until the log is disposed of. Throws `OPTIONS_INVALID` and
 * `CLIENT_UNSUPPORTED`.
 */
export function kafkaLog(options: KafkaOptions): Log & LogClient {
  return kafka.kafkaLog(options)
}

export interface MemoryLogOptions {
  /** Of a topic that `send` makes, or that an app makes without saying how many. @default 4 */
  readonly partitions?: number
}

const memoryOptions: Rules<MemoryLogOptions> = { partitions: whole(1, 10_000) }

/**
 * The embedded log: partitions, groups, transactions and compaction in this process, for development, demos and tests.
 * `send` makes a missing topic with `partitions` partitions (4 by default). It dies with the process.
 * Throws `OPTIONS_INVALID`.
 */
export function memoryLog(options: MemoryLogOptions = {}): Log & LogClient {
  checkOptions('memoryLog', options, memoryOptions)
  return memory.memoryLog(options)
}

/** A log that users hand in, as the runtime needs it. Throws `OPTIONS_INVALID`. */
export function asPort(log: Log | undefined): LogPort {
  if (log !== undefined && 'transactions' in log && 'fetcher' in log) return log as LogPort
  throw new MillraceError('OPTIONS_INVALID', 'log must be a memoryLog() or a kafkaLog()')
}
