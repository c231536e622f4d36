import { z } from 'zod'
import { systemClock } from '../core/clock.js'
import { stateObject } from '../model/state-object.js'
import { memoryFolder } from '../store/memory/memory-folder.js'
import type { StoreFolder } from '../store/store.js'
import { metaKey, readMeta, type StoreMeta } from './meta.js'
import type { Entry, Table } from './table.js'
import { TaskState, type TaskChanges } from './task-state.js'

const kind = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).definition
const fresh: StoreMeta = {
  format: 1,
  changelogs: { log: { offset: 0, topicId: 'a' } },
  positions: {},
  bootId: 'b',
  clean: false,
  appliedAt: 0,
}

async function open(folder: StoreFolder, cacheEntries = 100): Promise<{ state: TaskState; table: Table }> {
  const store = await folder.open(0, { purpose: 'live' })
  const meta = readMeta(store.get(metaKey)) ?? fresh
  const state = new TaskState({ task: 0, kinds: [kind], store, meta, cacheEntries, clock: systemClock })
  return { state, table: state.tables[0] as Table }
}

/** A turn that adds one, as the runtime does it. */
function increment(table: Table, key: string, seq: number): void {
  const entry: Entry = table.cached(key) ?? table.load(key)
  const counter = (entry.state ??= { n: 0 }) as { n: number }
  counter.n++
  table.changed(entry, seq)
}

/** Seals what has changed, as a commit does. */
function sealed(state: TaskState, seq: number): TaskChanges {
  const changes = state.changes()
  state.seal(seq, changes)
  return changes
}

function commit(state: TaskState, seq: number): void {
  state.committed(sealed(state, seq), seq, new Map([['log', seq * 10]]), {
    positions: new Map([['in', seq]]),
    topics: new Map([['in', 'id']]),
  })
}

const count = (table: Table, key: string): number | undefined =>
  ((table.cached(key) ?? table.load(key)).state as { n: number } | undefined)?.n

describe('TaskState', () => {
  it('encodes an object once per commit, however often it changed', async () => {
    const { state, table } = await open(memoryFolder())
    for (let i = 0; i < 1_000; i++) increment(table, 'a', 1)
    expect(sealed(state, 1).tables[0]?.values).toEqual(['{"n":1000}'])
    expect(sealed(state, 2).tables[0]?.values).toEqual([])
  })

  it('never writes to the store what is not committed', async () => {
    const folder = memoryFolder()
    const { state, table } = await open(folder)
    increment(table, 'a', 1)
    commit(state, 1)
    increment(table, 'a', 2)
    increment(table, 'b', 2)
    sealed(state, 2)
    increment(table, 'a', 3)
    await state.close()
    const again = await open(folder)
    expect([count(again.table, 'a'), count(again.table, 'b')]).toEqual([1, undefined])
    expect(again.state.changelogOffset('log')).toBe(10)
  })

  it('writes state, changelog offset and positions in one batch', async () => {
    const folder = memoryFolder()
    const { state, table } = await open(folder)
    increment(table, 'a', 1)
    commit(state, 1)
    increment(table, 'a', 2)
    commit(state, 2)
    await state.flush()
    const { store } = state.rolling
    expect(store.get('counter\0a')).toBe('{"n":2}')
    expect(readMeta(store.get(metaKey))).toMatchObject({
      changelogs: { log: { offset: 20, topicId: 'a' } },
      positions: { in: 2 },
      clean: false,
    })
    await state.close()
  })

  it('goes back to the last commit when the uncommitted is discarded, the unflushed part of it included', async () => {
    const { state, table } = await open(memoryFolder())
    increment(table, 'a', 1)
    commit(state, 1)
    increment(table, 'a', 2)
    increment(table, 'b', 2)
    await state.discard()
    expect([count(table, 'a'), count(table, 'b')]).toEqual([1, undefined])
    expect(state.dirty).toBe(false)
  })

  it('deletes on commit, and the next touch begins anew', async () => {
    const folder = memoryFolder()
    const { state, table } = await open(folder)
    increment(table, 'a', 1)
    commit(state, 1)
    await state.flush()
    const entry = table.cached('a') as Entry
    entry.state = undefined
    table.changed(entry, 2)
    commit(state, 2)
    await state.flush()
    expect(state.rolling.store.get('counter\0a')).toBeUndefined()
    increment(table, 'a', 3)
    expect(count(table, 'a')).toBe(1)
  })

  it('never forgets a change, however small the cache and however late the flush', async () => {
    const { state, table } = await open(memoryFolder(), 3)
    const model = new Map<string, number>()
    let random = 7
    for (let seq = 1; seq <= 300; seq++) {
      for (let i = 0; i < 8; i++) {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
        const key = `k${random % 40}`
        increment(table, key, seq)
        model.set(key, (model.get(key) ?? 0) + 1)
      }
      commit(state, seq)
      if (seq % 7 === 0) await state.flush()
      for (const [key, n] of model) expect([key, count(table, key)]).toEqual([key, n])
    }
  })

  it('marks a store clean only when it is closed in order', async () => {
    const folder = memoryFolder()
    const { state, table } = await open(folder)
    increment(table, 'a', 1)
    commit(state, 1)
    await state.flush()
    expect(readMeta(state.rolling.store.get(metaKey))?.clean).toBe(false)
    await state.close()
    const store = await folder.open(0, { purpose: 'live' })
    expect(readMeta(store.get(metaKey))?.clean).toBe(true)
  })
})
