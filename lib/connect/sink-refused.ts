/**
 * For sinks to throw: these records of the batch can never be written, whatever becomes of the others. They become dead letters, and
 * the batch is written again without them.
 */
export class SinkRefused extends Error {
  /** Offsets of records of the batch, each with what is wrong with it. */
  readonly records: ReadonlyMap<number, string>

  constructor(records: ReadonlyMap<number, string>) {
    super(`the target refuses ${records.size} ${records.size === 1 ? 'record' : 'records'}`)
    this.name = 'SinkRefused'
    this.records = new Map(records)
  }
}
