import { systemClock } from '../../core/clock.js'
import { dueKey, type Due } from '../../state/due.js'
import { TaskState } from '../../state/task-state.js'
import { memoryFolder } from '../../store/memory/memory-folder.js'
import type { Store } from '../../store/store.js'
import { BatchRules } from '../../log/batch-rules.js'
import { rowStateKind } from '../kept/row-kind.js'
import { rowKind } from '../kept/row.js'
import { Schedule } from './schedule.js'

const due = (dueMs: number, key = String(dueMs)): Due => ({ dueMs, kind: rowKind, key })

async function open(pinned: readonly Due[] = []) {
  const store = await memoryFolder().open(0, { purpose: 'live' })
  const meta = { format: 1 as const, changelogs: {}, positions: {}, bootId: 'b', clean: false, appliedAt: 0 }
  const state = new TaskState({
    task: 0,
    kinds: [rowStateKind(new BatchRules().of('app-timers'))],
    store,
    meta,
    cacheEntries: 10,
    clock: systemClock,
  })
  const errors: unknown[] = []
  let read = (): void => undefined
  const schedule = new Schedule({
    time: 'processing',
    state,
    pinned: (list) => pinned.forEach(list),
    onRead: () => read(),
    onError: (error) => errors.push(error),
  })
  const lookAhead = (now: number): Promise<void> =>
    new Promise((resolve) => {
      read = resolve
      schedule.lookAhead(now)
    })
  return { store, state, schedule, errors, lookAhead }
}

async function list(store: Store, dues: readonly Due[]): Promise<void> {
  const batch = store.batch()
  for (const each of dues) batch.put(dueKey('processing', each), '')
  await batch.write({ sync: false })
}

function takeAll(schedule: Schedule, now: number): number[] {
  const taken: number[] = []
  for (let each = schedule.take(now); each !== undefined; each = schedule.take(now)) taken.push(each.dueMs)
  return taken
}

describe('Schedule', () => {
  it('gives what is due, in order: from the store, what is pinned, and what is added', async () => {
    const { store, schedule, lookAhead } = await open([due(15), due(5)])
    await list(store, [due(10), due(30), due(20)])
    await lookAhead(0)
    schedule.add(due(12))
    expect(takeAll(schedule, 20)).toEqual([5, 10, 12, 15, 20])
    expect(schedule.next).toBe(30)
  })

  it('keeps only what is near in memory, and reads the rest when its time comes', async () => {
    const { store, schedule, lookAhead } = await open()
    const hours = Array.from({ length: 1_000 }, (_, i) => due(i * 3_600_000))
    await list(store, hours)
    await lookAhead(0)
    expect(takeAll(schedule, 3_600_000)).toEqual([0])
    expect(schedule.isComplete(3_600_000)).toBe(false)
    await lookAhead(3_600_000)
    expect(takeAll(schedule, 3_600_000)).toEqual([3_600_000])
  })

  it('reads a great many in pieces', async () => {
    const { store, schedule, lookAhead } = await open()
    await list(
      store,
      Array.from({ length: 25_000 }, (_, i) => due(i % 50_000)),
    )
    let taken = 0
    while (!schedule.isComplete(50_000)) {
      await lookAhead(50_000)
      taken += takeAll(schedule, 50_000).length
    }
    expect(taken).toBe(25_000)
  })

  it('does not mind when its store is closed while it reads, once it is not asked any more', async () => {
    const { store, state, schedule, errors } = await open()
    await list(store, [due(1)])
    schedule.lookAhead(10_000_000)
    schedule.reset()
    await state.close()
    await new Promise((resolve) => setImmediate(resolve))
    expect(errors).toEqual([])
  })
})
