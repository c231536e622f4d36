import type { MemoryLog } from '../../lib/memory/memory-log.js'
import type { AnyStateObject } from '../../lib/model/state-object.js'
import type { Topic } from '../../lib/model/stream.js'
import type { Engine } from '../../lib/runtime/engine.js'
import { CommittedState } from '../../lib/runtime/state-reader.js'
import { readRaw } from '../raw-records.js'
import type { LateLetter } from './fold.js'
import { rowsOf, type Batch } from './program.js'

interface Found<V> {
  readonly key: string | null
  readonly value: V | null
}

export async function isThere(log: MemoryLog, topic: string): Promise<boolean> {
  return (await log.admin.describe([topic])).get(topic) !== undefined
}

/** What is in a topic, in order, if there is such a topic. */
export async function readIf<V>(log: MemoryLog, topic: Topic<V>): Promise<readonly Found<V>[]> {
  const found: Found<V>[] = []
  if (await isThere(log, topic.name)) for await (const { key, value } of log.read(topic)) found.push({ key, value })
  return found
}

/** The rows of each object that were published, in order; null: that it is gone. */
export async function rowsIn(log: MemoryLog): Promise<ReadonlyMap<string, readonly (number | null)[]>> {
  const rows = new Map<string, (number | null)[]>()
  for (const [kind, topic] of rowsOf) {
    for (const { key, value } of await readIf(log, topic)) {
      const name = `${kind} ${key}`
      rows.set(name, [...(rows.get(name) ?? []), value === null ? null : value.turns])
    }
  }
  return rows
}

/** How many turns the objects of these kinds have had, as committed. */
export async function statesIn(
  engines: readonly Engine[],
  kinds: readonly AnyStateObject[],
): Promise<ReadonlyMap<string, number>> {
  const states = new Map<string, number>()
  for (const engine of engines) {
    for (const kind of kinds) {
      for await (const [key, state] of new CommittedState(engine, kind).entries())
        if (!key.startsWith('end ')) states.set(`${kind.name} ${key}`, (state as { turns: number }).turns)
    }
  }
  return states
}

/** Letters that are not of turns: of records that came too late. Throws for others. */
export async function lateIn(log: MemoryLog, topic: string): Promise<readonly LateLetter[]> {
  if (!(await isThere(log, topic))) return []
  const found: LateLetter[] = []
  for (const { value, headers } of await readRaw(log, topic)) {
    const header = (name: string): string | undefined => {
      const own = headers.find(([each]) => Buffer.from(each).toString() === `millrace.${name}`)
      return own && Buffer.from(own[1] ?? []).toString()
    }
    if (header('letter') !== undefined) continue
    if (header('error.code') !== 'RECORD_LATE') throw new Error(`${header('error.code')} ${header('error.message')}`)
    const { items } = JSON.parse(Buffer.from(value ?? []).toString()) as Batch
    found.push({ kind: header('kind') ?? '', object: header('key') ?? '', numbers: items.map(({ n }) => n) })
  }
  return found
}
