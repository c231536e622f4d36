import { offsetOf } from '../../core/record.js'
import type { AppWatch } from '../../runtime/app-watch.js'

/** How far the processing of a partition is behind. */
export interface PartitionLag {
  readonly topic: string
  readonly partition: number
  /** Offsets between what is processed and the end: control records and gaps count too. */
  readonly records: number
  /**
   * Age of the first record that waits, by its timestamp, when that is here; otherwise that of the record processed last. 0 when nothing
   * waits; undefined when no timestamp is known.
   */
  readonly seconds: number | undefined
}

/** Of all partitions of the tasks that run here whose ends are known. Asks nobody. */
export function lagsOf(watch: AppWatch, now: number): readonly PartitionLag[] {
  const { parts } = watch.inside
  if (parts === undefined) return []
  const waiting = parts.intake.firstTimes
  const lags: PartitionLag[] = []
  for (const { index: partition, positions, lastTimes } of parts.tasks.running.values()) {
    for (const [topic, position] of positions) {
      const end = watch.endOf(topic, partition)
      if (end === undefined) continue
      const records = Math.max(0, end - position)
      const time = offsetOf(waiting, topic, partition) ?? lastTimes.get(topic)
      lags.push({ topic, partition, records, seconds: records === 0 ? 0 : ageSeconds(time, now) })
    }
  }
  return lags
}

/** Times that nobody has set are -1; a producer may be ahead of this clock. */
function ageSeconds(time: number | undefined, now: number): number | undefined {
  return time === undefined || !(time >= 0) ? undefined : Math.max(0, now - time) / 1_000
}
