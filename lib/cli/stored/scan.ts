import { MillraceError } from '../../core/errors.js'
import { offsetOf } from '../../core/record.js'
import { fetchedOf, recordsBefore, type Extent } from '../../log/client/extents.js'
import type { LogPort, RecordCursor } from '../../log/port.js'
import { CliError } from '../frame/exits.js'

/** What a reader of committed records sees of a partition: what came in one answer at a time, to be walked before the next is asked for. */
export async function* answersIn(
  log: LogPort,
  { topic, partition, start, end }: Extent,
  signal: AbortSignal,
): AsyncGenerator<Iterable<RecordCursor>, void, undefined> {
  for (let at = start; at < end;) {
    try {
      for await (const fetched of fetchedOf(log, { topic, partition, start: at, end }, signal)) {
        yield recordsBefore(fetched, end)
        at = fetched.to
      }
      if (signal.aborted) throw new CliError('interrupted', 'interrupted')
    } catch (error) {
      if (!MillraceError.is(error, 'OFFSET_OUT_OF_RANGE')) throw error
      // Retention has gone on meanwhile.
      const starts = await log.admin.startOffsets([{ topic, partition }])
      const first = offsetOf(starts, topic, partition) ?? end
      if (first <= at) throw error
      at = first
    }
  }
}
