import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { asBuffer } from '../../core/bytes.js'
import { reasonOf } from '../../core/errors.js'
import type { Offset } from '../../core/record.js'
import { awaitedOf } from '../../log/awaited.js'
import { BatchRules } from '../../log/batch-rules.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { LogPort } from '../../log/port.js'
import type { KindDefinition, PublishDefinition } from '../../model/kind.js'
import type { StateCodec } from '../../state/state-codec.js'
import { Outbox } from '../../turn/output/outbox.js'
import { rowKey, rowOf } from '../../turn/output/published-row.js'
import { objectsIn, type Scan } from '../stored/changelogs.js'
import { dataText } from '../stored/data.js'
import { topicExtents, type Extent } from '../../log/client/extents.js'
import { answersIn } from '../stored/scan.js'
import type { Difference, Findings } from './findings.js'

/** A kind that publishes rows, with its changelog as it is now. */
export interface PublishingKind {
  readonly definition: KindDefinition
  readonly codec: StateCodec
  /** Asked anew for each look: an app that runs goes on. */
  readonly stretches: () => Promise<readonly Extent[]>
}

/** A row as its object says, or as the topic has it. */
interface Seen {
  readonly offset: Offset
  readonly digest: string
}

interface ExpectedRow extends Seen {
  readonly kind: string
  readonly key: string
}

interface Suspicion {
  readonly difference: Difference
  /** What it was seen in; the same again after another look is a difference, and something else has changed meanwhile. */
  readonly seen: string
}

const mostLooks = 4

/**
 * Compares the rows of every object with what is in the topics they are published to, and the other way round. What differs is looked
 * at again, since an app may be running: a difference is what stays the same.
 */
export async function verifyPublished(
  log: LogPort,
  kinds: readonly PublishingKind[],
  findings: Findings,
  scan: Scan,
): Promise<void> {
  const targets = new Map<string, (readonly [PublishingKind, PublishDefinition])[]>()
  for (const kind of kinds)
    for (const publish of kind.definition.publishes)
      targets.set(publish.target.name, [...(targets.get(publish.target.name) ?? []), [kind, publish]])
  for (const [topic, publishers] of targets) await verifyTopic(log, topic, publishers, findings, scan)
}

type Publishers = readonly (readonly [PublishingKind, PublishDefinition])[]

async function verifyTopic(
  log: LogPort,
  topic: string,
  publishers: Publishers,
  findings: Findings,
  scan: Scan,
): Promise<void> {
  let before = new Map<string, Suspicion>()
  for (let look = 1; ; look++) {
    const { agreed, suspicions } = await lookAt(log, topic, publishers, findings, scan)
    const settled = [...suspicions].filter(([key, { seen }]) => before.get(key)?.seen === seen)
    if (settled.length === suspicions.size || look === mostLooks) {
      for (let each = 0; each < agreed; each++) findings.agrees('row')
      for (const [, { difference }] of settled) findings.differs(difference)
      if (settled.length < suspicions.size)
        findings.note(
          `${topic}: ${suspicions.size - settled.length} rows changed each time they were looked at, and were not compared`,
        )
      return
    }
    before = suspicions
  }
}

async function lookAt(
  log: LogPort,
  topic: string,
  publishers: Publishers,
  findings: Findings,
  scan: Scan,
): Promise<{ readonly agreed: number; readonly suspicions: Map<string, Suspicion> }> {
  const suspicions = new Map<string, Suspicion>()
  const expected = await expectedRows(log, topic, publishers, suspicions, scan)
  const stretches = await topicExtents(log, topic)
  if (stretches === undefined) {
    findings.note(`${topic}: there is no such topic yet`)
    if (expected.size === 0) return { agreed: 0, suspicions }
  }
  const found = new Map<string, Seen>()
  for (const stretch of stretches ?? []) await readRows(log, stretch, found, scan)
  const kindOf = publishers[0]?.[0].definition.name ?? ''
  let agreed = 0
  const partitions = stretches?.length ?? 1
  for (const [key, row] of expected) {
    const partition = partitionOfKey(Buffer.from(key, 'latin1'), partitions)
    const place = `${partition} ${key}`
    const there = found.get(place)
    found.delete(place)
    if (there?.digest === row.digest) {
      agreed++
      continue
    }
    const difference = {
      in: 'row',
      kind: row.kind,
      key: row.key,
      is: there === undefined ? 'missing' : 'other',
      where: `${topic}[${partition}]${there === undefined ? '' : `@${there.offset}`}`,
    } as const
    suspicions.set(place, { difference, seen: `${row.offset} ${there?.offset ?? ''}` })
  }
  for (const [place, { offset }] of found) {
    const [partition = ''] = place.split(' ', 1)
    const key = place.slice(partition.length + 1)
    const where = `${topic}[${partition}]@${offset}`
    const difference = {
      in: 'row',
      kind: kindOf,
      key: dataText(Buffer.from(key, 'latin1')),
      is: 'extra',
      where,
    } as const
    suspicions.set(place, { difference, seen: `- ${offset}` })
  }
  const equal = await explain(log, publishers, suspicions, stretches ?? [], scan)
  return { agreed: agreed + equal, suspicions }
}

/** By the key of the row, a character for each of its bytes. */
async function expectedRows(
  log: LogPort,
  topic: string,
  publishers: Publishers,
  suspicions: Map<string, Suspicion>,
  scan: Scan,
): Promise<Map<string, ExpectedRow>> {
  const expected = new Map<string, ExpectedRow>()
  await eachRow(log, publishers, scan, (kind, key, offset, row) => {
    if ('error' in row) {
      const difference = { in: 'row', kind, key, is: 'unreadable', where: topic, found: row.error } as const
      suspicions.set(`${kind} ${key}`, { difference, seen: `${offset}` })
    } else if (row.value !== null)
      expected.set(row.key.toString('latin1'), { kind, key, offset, digest: digestOf(row.value) })
  })
  return expected
}

type MadeRow = { readonly key: Buffer; readonly value: Buffer | null } | { readonly error: string }

async function eachRow(
  log: LogPort,
  publishers: Publishers,
  scan: Scan,
  take: (kind: string, key: string, offset: Offset, row: MadeRow) => void,
): Promise<void> {
  const outbox = new Outbox(new BatchRules(), Infinity)
  for (const [{ definition, codec, stretches }, publish] of publishers) {
    await awaitedOf(publish.target as Parameters<typeof awaitedOf>[0])?.prepare('write', scan.signal)
    for (const stretch of await stretches()) {
      for await (const objects of objectsIn(log, stretch, () => true, scan)) {
        for (const { key, bytes, version, offset } of objects)
          take(definition.name, key, offset, made(key, bytes as Buffer, version))
      }
    }
    function made(key: string, bytes: Buffer, version: number): MadeRow {
      try {
        const state = codec.decode(key, codec.fromWire(bytes, 0, bytes.length, version))
        const row = rowOf(publish, { key, state }, outbox)
        const value = row === undefined || row === null ? null : Buffer.from(row as string)
        return { key: Buffer.from(rowKey(publish.target, key) as string), value }
      } catch (error) {
        return { error: reasonOf(error) }
      }
    }
  }
}

async function readRows(log: LogPort, stretch: Extent, found: Map<string, Seen>, scan: Scan): Promise<void> {
  for await (const records of answersIn(log, stretch, scan.signal)) {
    let at = stretch.start
    for (const { bytes, keyStart, keyEnd, valueStart, valueEnd, offset } of records) {
      at = offset
      if (keyStart < 0) continue
      const place = `${stretch.partition} ${bytes.toString('latin1', keyStart, keyEnd)}`
      if (valueStart < 0) found.delete(place)
      else found.set(place, { offset, digest: digestOf(bytes.subarray(valueStart, valueEnd)) })
    }
    scan.onRead(`${stretch.topic}[${stretch.partition}]: ${at} of ${stretch.end}`)
  }
}

/** Other bytes may say the same: so the few that differ are decoded, and what they hold is told. How many say the same. */
async function explain(
  log: LogPort,
  publishers: Publishers,
  suspicions: Map<string, Suspicion>,
  stretches: readonly Extent[],
  scan: Scan,
): Promise<number> {
  if (suspicions.size === 0) return 0
  const rows = new Map<string, Buffer>()
  for (const stretch of stretches)
    for await (const records of answersIn(log, stretch, scan.signal))
      for (const { bytes, keyStart, keyEnd, valueStart, valueEnd, offset } of records) {
        if (keyStart < 0 || valueStart < 0) continue
        const place = `${stretch.partition} ${bytes.toString('latin1', keyStart, keyEnd)}`
        if (suspicions.get(place)?.difference.where.endsWith(`@${offset}`) === true)
          rows.set(place, Buffer.from(bytes.subarray(valueStart, valueEnd)))
      }
  const expected = new Map<string, Buffer>()
  await eachRow(log, publishers, scan, (_kind, _key, _offset, row) => {
    if ('error' in row || row.value === null) return
    const place = `${partitionOfKey(row.key, Math.max(1, stretches.length))} ${row.key.toString('latin1')}`
    if (suspicions.has(place)) expected.set(place, row.value)
  })
  const decode = (bytes: Buffer): unknown => publishers[0]?.[1].target.codec.decode(asBuffer(bytes))
  let equal = 0
  for (const [place, { difference, seen }] of suspicions) {
    const [wanted, there] = [expected.get(place), rows.get(place)]
    if (wanted !== undefined && there !== undefined && isSame(decode, wanted, there)) {
      suspicions.delete(place)
      equal++
    } else if (difference.is !== 'unreadable') {
      const told = { expected: wanted && dataText(wanted), found: there && dataText(there) }
      suspicions.set(place, { difference: { ...difference, ...told }, seen })
    }
  }
  return equal
}

function isSame(decode: (bytes: Buffer) => unknown, one: Buffer, other: Buffer): boolean {
  try {
    return isDeepStrictEqual(decode(one), decode(other))
  } catch {
    return false
  }
}

const digestOf = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('base64')
