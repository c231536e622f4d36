import type { MemoryLog } from '../lib/memory/memory-log.js'
import { readAll } from './reading.js'
import { copies, counted, letters, out, rows, timed, type Item } from './refused-program.js'

/** A dead letter: of a turn when it has a kind. */
interface Letter {
  readonly id: number
  readonly code: string | undefined
  readonly kind: string | undefined
  readonly object: string | undefined
  readonly isTimer: boolean
}

/** What a run has come to, as a reader outside finds it. */
interface Found {
  readonly letters: readonly Letter[]
  readonly out: readonly (Item & { readonly place: number })[]
  readonly copies: readonly Item[]
  readonly timed: readonly Item[]
  readonly counted: readonly Item[]
}

/** Everything that is not as it should be, in sentences; `state` is what is kept for each key of the list. */
export async function faults(
  log: MemoryLog,
  sent: readonly Item[],
  state: ReadonlyMap<string, { readonly ids: readonly number[] }>,
): Promise<readonly string[]> {
  const found = await read(log)
  return [
    ...sent.flatMap((item) => faultsOf(item, found).map((fault) => `${JSON.stringify(item)}: ${fault}`)),
    ...quarantineFaults(found),
    ...stateFaults(found, state, await latestRows(log)),
  ]
}

function faultsOf(item: Item, found: Found): string[] {
  const mine = found.letters.filter(({ id }) => id === item.id)
  const ofRecord = mine.filter(({ kind }) => kind === undefined)
  const count = (all: readonly Item[]): number => all.filter(({ id }) => id === item.id).length
  const lettersOf = (kind: string, isTimer = false): readonly Letter[] =>
    mine.filter((letter) => letter.kind === kind && letter.isTimer === isTimer)
  const list = { done: count(found.out), failed: lettersOf('list') }
  const timer = { done: count(found.timed), failed: lettersOf('list', true) }
  const windows = { done: count(found.counted), failed: lettersOf('count') }
  const copied = count(found.copies)
  if (ofRecord.length > 0) {
    const others = list.done + timer.done + windows.done + copied + mine.length - ofRecord.length
    const isRight = ofRecord.length === 1 && others === 0 && item.bad !== undefined
    return isRight ? [] : [`refused as a record ${ofRecord.length} times, with ${others} effects and other letters`]
  }
  const isBad = (...of: readonly (typeof item.bad)[]): boolean => of.includes(item.bad)
  return [
    ...check('copies', 1, isBad('copies'), { done: copied, failed: [] }),
    ...check('turns', 1, isBad('out', 'rows', 'state'), list),
    ...check('timers', item.timer ? list.done : 0, isBad('timed'), timer),
    ...check('turns in windows', 2, isBad('counted'), windows),
  ]
}

function check(
  what: string,
  wanted: number,
  isBad: boolean,
  { done, failed }: { readonly done: number; readonly failed: readonly Letter[] },
): string[] {
  if (done + failed.length !== wanted) return [`${what}: ${done} done and ${failed.length} letters, not ${wanted}`]
  if (isBad && done > 0) return [`${what}: ${done} done, of which the broker takes nothing`]
  const blamed = failed.filter(({ code }) => code !== 'QUARANTINED')
  if (blamed.some(({ code }) => code !== 'RECORDS_REFUSED')) return [`${what}: failed with ${blamed[0]?.code}`]
  return isBad || blamed.length === 0 ? [] : [`${what}: blamed, and the broker takes all of it`]
}

/** Who follows another to the dead letters has one to follow. */
function quarantineFaults({ letters: all }: Found): string[] {
  const blamed = new Set(
    all.filter(({ code }) => code === 'RECORDS_REFUSED').map(({ kind, object }) => `${kind} ${object}`),
  )
  return all
    .filter(({ code, kind, object }) => code === 'QUARANTINED' && !blamed.has(`${kind} ${object}`))
    .map(({ id, kind, object }) => `${id}: in quarantine, and nothing of ${kind} ${object} was refused`)
}

/** What was emitted is a fold: each turn saw what the one before it left; state and rows are what the last one left. */
function stateFaults(
  found: Found,
  state: ReadonlyMap<string, { readonly ids: readonly number[] }>,
  published: ReadonlyMap<string, readonly number[]>,
): string[] {
  const folded = new Map<string, number[]>()
  const wrong: string[] = []
  for (const { key, id, place } of found.out) {
    const ids = folded.get(key) ?? []
    folded.set(key, ids)
    ids.push(id)
    if (place !== ids.length) wrong.push(`${key}: item ${id} has place ${place}, it is number ${ids.length}`)
  }
  const text = (of: Iterable<readonly [string, readonly number[]]>): string => JSON.stringify([...of].sort())
  const kept = text([...state].map(([key, { ids }]) => [key, ids] as const))
  if (kept !== text(folded)) wrong.push(`state is ${kept}, not ${text(folded)}`)
  if (text(published) !== text(folded)) wrong.push(`rows are ${text(published)}, not ${text(folded)}`)
  return wrong
}

async function read(log: MemoryLog): Promise<Found> {
  const values = async <V>(from: Parameters<typeof readAll<V>>[1]): Promise<V[]> =>
    (await readAll(log, from)).map(({ value }) => value as V)
  const dead = (await readAll(log, letters)).map(({ value, headers }): Letter => ({
    id: (value as Item).id,
    code: headers['millrace.error.code'],
    kind: headers['millrace.kind'],
    object: headers['millrace.key'],
    isTimer: headers['millrace.input']?.startsWith('timer:') === true,
  }))
  return {
    letters: dead,
    out: await values(out),
    copies: await values(copies),
    timed: await values(timed),
    counted: await values(counted),
  }
}

/** An object of which all was taken back has a row without a value. */
async function latestRows(log: MemoryLog): Promise<ReadonlyMap<string, readonly number[]>> {
  const latest = new Map((await readAll(log, rows)).map(({ key, value }) => [key ?? '', value]))
  return new Map([...latest].flatMap(([key, value]) => (value === null ? [] : [[key, value.ids] as const])))
}
