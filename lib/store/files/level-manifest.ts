import { Damage } from './damage.js'
import { LevelBytes } from './level-bytes.js'
import { logRecords } from './level-log.js'

/** What a manifest says of the files of a database. */
export interface Manifest {
  /** Bytes of each table in use, by file number. */
  readonly tables: ReadonlyMap<number, number>
  /** Number of the write-ahead log from which on nothing is in a table; 0 in a database that was never opened again. */
  readonly logNumber: number
  /** Every change up to here is in a table or in a log from `logNumber` on. */
  readonly lastSequence: number
}

/** Fields of an edit, by their tags. */
const comparator = 1
const logNumberTag = 2
const nextFileNumber = 3
const lastSequenceTag = 4
const compactPointer = 5
const deletedFile = 6
const newFile = 7
const previousLogNumber = 9

export function readManifest(bytes: Uint8Array): Manifest {
  const tables = new Map<number, number>()
  let logNumber = 0
  let lastSequence = 0
  for (const record of logRecords(bytes)) {
    const edit = new LevelBytes(record)
    const skipText = (): void => edit.skip(edit.varint())
    while (!edit.atEnd) {
      const tag = edit.varint()
      if (tag === comparator) skipText()
      else if (tag === logNumberTag) logNumber = edit.varint()
      else if (tag === lastSequenceTag) lastSequence = edit.varint()
      else if (tag === nextFileNumber || tag === previousLogNumber) edit.varint()
      else if (tag === compactPointer) {
        edit.varint()
        skipText()
      } else if (tag === deletedFile) {
        edit.varint()
        tables.delete(edit.varint())
      } else if (tag === newFile) {
        edit.varint()
        const number = edit.varint()
        tables.set(number, edit.varint())
        skipText()
        skipText()
      } else throw new Damage(`the manifest has a field ${tag} that is not known`)
    }
  }
  return { tables, logNumber, lastSequence }
}
