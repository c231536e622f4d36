import type { Clock } from '../../core/clock.js'
import type { Logger } from '../../core/logger.js'
import type { LogAdmin } from '../../log/port.js'
import type { InvalidPolicy } from '../../model/stream.js'
import type { SinkConnector } from '../sink.js'
import type { DeadLetters } from './dead-letters.js'
import type { Feed } from './feed.js'
import type { OwnOffsets } from './own-offsets.js'
import type { Format } from './taken.js'

/** The options of a sink, with their defaults. */
export interface SinkRules {
  readonly batchRecords: number
  readonly batchBytes: number
  readonly begin: 'earliest' | 'latest'
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** Infinity: without limit. */
  readonly attempts: number
  readonly onInvalid: InvalidPolicy
}

/** What has been done, of all partitions in this process. */
export interface SinkCounts {
  records: number
  commits: number
  deadLetters: number
  skipped: number
  retries: number
  missing: number
}

/** What the worker of a partition works with; all but its offsets is shared by those of a sink. */
export interface SinkParts {
  readonly app: string
  readonly name: string
  readonly connector: SinkConnector
  readonly format: Format
  readonly rules: SinkRules
  readonly counts: SinkCounts
  readonly admin: LogAdmin
  readonly feed: Feed
  readonly offsets: OwnOffsets
  readonly letters: DeadLetters
  readonly clock: Clock
  /** How long what is under way may take when a partition is let go, and as long again once the connector has been told. */
  readonly graceMs: number
  readonly logger: Logger
  readonly onFailure: (error: unknown) => void
  /** The state of a worker is another one. */
  readonly onState: () => void
}
