/**
 * The one place that knows `level`. Its published types describe what browsers and Node share; on Node the class is
 * ClassicLevel (LevelDB), and these are the parts of it that Millrace uses.
 */
import { Level } from 'level'
import { MillraceError, reasonOf } from '../../core/errors.js'

/** One LevelDB directory; keys and values are strings stored as UTF-8. */
export interface LevelDatabase {
  open(): Promise<void>
  close(): Promise<void>
  /** Without options on purpose: an options object costs 1.1 µs on top of 1.6 µs. */
  getSync(key: string): string | undefined
  batch(): LevelBatch
  /** Reads a snapshot taken at the call. */
  iterator(range: {
    readonly gte: string
    readonly lt: string
    readonly limit: number
    readonly highWaterMarkBytes: number
  }): LevelIterator
}

export interface LevelBatch {
  put(key: string, value: string): unknown
  del(key: string): unknown
  write(options: { readonly sync: boolean }): Promise<void>
}

export interface LevelIterator {
  nextv(count: number): Promise<[string, string][]>
  close(): Promise<void>
}

export interface LevelOptions {
  readonly createIfMissing: boolean
  readonly compression: boolean
  /** Bytes; a process holds up to two of these per open database. */
  readonly writeBufferSize: number
  /** Bytes. */
  readonly maxFileSize: number
  /** Bytes. */
  readonly cacheSize: number
}

interface LevelClass {
  new (path: string, options: LevelOptions): LevelDatabase
  /** Removes the files of a database under its own lock; fails when somebody has it open. */
  destroy(path: string): Promise<void>
}

const NodeLevel = Level as unknown as LevelClass

/** Opens a database. Rejects with what LevelDB said; `storeFailed` makes a sentence of it. */
export async function openLevel(path: string, options: LevelOptions): Promise<LevelDatabase> {
  const database = new NodeLevel(path, options)
  await database.open()
  return database
}

/** Removes the files of a database. Rejects when somebody has it open. */
export function destroyLevel(path: string): Promise<void> {
  return NodeLevel.destroy(path)
}

/** True when the database is open elsewhere: in this process, or in another that is alive. */
export function isLocked(error: unknown): boolean {
  return codeOf(error) === 'LEVEL_LOCKED'
}

/** True when the files contradict each other or a part of them is missing. */
export function isCorrupt(error: unknown): boolean {
  return codeOf(error) === 'LEVEL_CORRUPTION' || /create_if_missing/.test(reasonOf(rootOf(error)))
}

/** True when files or the directory vanished while it was opened: somebody has removed them. */
export function isGone(error: unknown): boolean {
  return /No such file or directory|ENOENT|cannot find the (?:file|path)/i.test(reasonOf(rootOf(error)))
}

/**
 * `STORE_FAILED` for something that could not be done to a store, `STORE_DAMAGED` where its files are the reason: where,
 * what, why, and what to do about it.
 */
export function storeFailed(where: string, what: string, cause: unknown): MillraceError {
  const reason = reasonOf(rootOf(cause))
  return new MillraceError(
    isCorrupt(cause) ? 'STORE_DAMAGED' : 'STORE_FAILED',
    `${where}: ${what} (${reason}). ${adviceFor(cause, reason)}`,
    { cause },
  )
}

function adviceFor(cause: unknown, reason: string): string {
  if (isLocked(cause)) return 'It is open elsewhere: close it there first; two owners of one store would destroy it.'
  if (/no space left|ENOSPC|quota/i.test(reason)) {
    return 'The disk is full: free space and open the store again; nothing that was committed is lost.'
  }
  if (/permission denied|EACCES|EROFS|read-only/i.test(reason)) {
    return 'Let the user of this process read and write the directory, or set another dataDir.'
  }
  if (/not open/i.test(reason))
    return 'A closed store and a written batch are over: open the store or start a batch anew.'
  return 'Remove the store so that it is restored from its changelog; if that fails too, look at the disk.'
}

/** LevelDB's own error is the cause of the one that says that the database did not open. */
function rootOf(error: unknown): unknown {
  return fieldOf(error, 'cause') ?? error
}

function codeOf(error: unknown): unknown {
  return fieldOf(rootOf(error), 'code')
}

function fieldOf(error: unknown, field: 'cause' | 'code'): unknown {
  return typeof error === 'object' && error !== null ? (error as { cause?: unknown; code?: unknown })[field] : undefined
}
