import { utf8Text } from '../../core/bytes.js'
import type { Offset } from '../../core/record.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { LogPort, RecordCursor } from '../../log/port.js'
import { changelogTopic } from '../../model/names.js'
import { versionIn } from '../../state/state-version.js'
import { hasWindow, parseWindowKey } from '../../turn/windows/windows.js'
import { CliError } from '../frame/exits.js'
import { topicExtents, type Extent } from '../../log/client/extents.js'
import { answersIn } from './scan.js'

/** An object as its changelog has it. */
export interface StoredObject {
  readonly key: string
  readonly task: number
  readonly offset: Offset
  /** Of its kind, when it was written. */
  readonly version: number
  /** As the codec of the kind made it. A view. Null: deleted. */
  readonly bytes: Buffer | null
}

/** The changelog of a kind, partition by partition. Rejects with `notFound`, naming the kinds that there are. */
export async function changelogOf(log: LogPort, app: string, kind: string): Promise<readonly Extent[]> {
  const isName = /^[A-Za-z0-9_.]{1,100}$/.test(kind)
  const stretches = isName ? await topicExtents(log, changelogTopic(app, kind)) : undefined
  if (stretches !== undefined) return stretches
  const known = await kindsOf(log, app)
  const there =
    known.length === 0 ? `it keeps no state on this cluster, or never ran here` : `there are: ${known.join(', ')}`
  throw new CliError('notFound', `app '${app}' has no kind '${kind}': ${there}`)
}

/** Names of the kinds that an app has a changelog of. */
export async function kindsOf({ admin }: LogPort, app: string): Promise<readonly string[]> {
  const names = await admin.list(`${app}-`)
  return names.flatMap((name) => /^([A-Za-z0-9_.]+)-changelog$/.exec(name.slice(app.length + 1))?.[1] ?? []).sort()
}

/** Where an object of this key can be: whether what its key ends in is a window is for its kind to say. */
export function placesOf(stretches: readonly Extent[], key: string): readonly Extent[] {
  const keys = hasWindow(key) ? [key, parseWindowKey(key).key] : [key]
  const places = new Set(keys.map((each) => partitionOfKey(each, stretches.length)))
  return stretches.filter(({ partition }) => places.has(partition))
}

/** Throws `STATE_UNREADABLE` for a version that is none. */
export function objectAt(stretch: Extent, cursor: RecordCursor): StoredObject | undefined {
  const { bytes, keyStart, keyEnd, valueStart, valueEnd, offset } = cursor
  if (keyStart < 0) return undefined
  const headers = cursor.headers()
  return {
    key: utf8Text(bytes, keyStart, keyEnd),
    task: stretch.partition,
    offset,
    version: headers.size === 0 ? 1 : versionIn(headers, stretch, offset),
    bytes: valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd),
  }
}

export interface Scan {
  readonly signal: AbortSignal
  /** How many records of how many offsets have been read. */
  readonly onRead: (what: string) => void
}

/** The last record of each object of a partition, by key; those that are deleted left out. */
export async function lastOffsets(
  log: LogPort,
  stretch: Extent,
  wanted: (key: string) => boolean,
  { signal, onRead }: Scan,
): Promise<Map<string, Offset>> {
  const last = new Map<string, Offset>()
  for await (const records of answersIn(log, stretch, signal)) {
    let at = stretch.start
    for (const { bytes, keyStart, keyEnd, valueStart, offset } of records) {
      at = offset
      if (keyStart < 0) continue
      const key = utf8Text(bytes, keyStart, keyEnd)
      if (!wanted(key)) continue
      if (valueStart < 0) last.delete(key)
      else last.set(key, offset)
    }
    onRead(`${stretch.topic}[${stretch.partition}]: ${at} of ${stretch.end}`)
  }
  return last
}

/** Objects of a partition as they are now, each once; several at a time, to be looked at before the next are asked for. */
export async function* objectsIn(
  log: LogPort,
  stretch: Extent,
  wanted: (key: string) => boolean,
  scan: Scan,
): AsyncGenerator<readonly StoredObject[], void, undefined> {
  const last = await lastOffsets(log, stretch, wanted, scan)
  if (last.size === 0) return
  for await (const records of answersIn(log, stretch, scan.signal)) {
    const objects: StoredObject[] = []
    for (const cursor of records) {
      const object = objectAt(stretch, cursor)
      if (object !== undefined && last.get(object.key) === object.offset) objects.push(object)
    }
    if (objects.length > 0) yield objects
  }
}

/** One object as it is now; undefined when there is none. */
export async function objectOf(
  log: LogPort,
  stretches: readonly Extent[],
  key: string,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  let found: StoredObject | undefined
  for (const stretch of placesOf(stretches, key)) {
    const wanted = Buffer.from(key)
    for await (const records of answersIn(log, stretch, signal)) {
      for (const cursor of records) {
        const { bytes, keyStart, keyEnd } = cursor
        if (keyStart < 0 || wanted.compare(bytes, keyStart, keyEnd) !== 0) continue
        const object = objectAt(stretch, cursor) as StoredObject
        found = { ...object, bytes: object.bytes && Buffer.from(object.bytes) }
      }
    }
    if (found !== undefined && found.bytes !== null) return found
  }
  return undefined
}
