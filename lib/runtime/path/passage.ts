import type { Clock } from '../../core/clock.js'
import type { Tracer } from '../../core/telemetry/tracer.js'
import type { RecordCursor } from '../../log/port.js'
import type { Failures } from '../../turn/failing/failures.js'
import type { Outbox } from '../../turn/output/outbox.js'
import type { Counters } from '../../turn/running/counters.js'
import type { OutputTimes } from '../../log/output-times.js'
import type { Turns } from '../../turn/turns.js'
import type { Task } from '../tasks/task.js'

/** What the pipeline reads and counts while a record passes. Set by whoever hands it records; never kept. */
export interface Passage {
  readonly outbox: Outbox
  /** Which timestamps flows can write. */
  readonly times: OutputTimes
  readonly clock: Clock
  /** Of topics, as far as they are known. */
  readonly partitions: ReadonlyMap<string, number>
  readonly turns: Turns
  readonly failures: Failures
  readonly counts: Counters
  readonly tracer: Tracer | undefined
  /** The task whose record it is. */
  task: Task
  /** Stands on the record. */
  cursor: RecordCursor
  /** Somebody has been given the decoded value who may change it. */
  used: boolean
  /** The commit that will carry the effects. */
  seq: number
}
