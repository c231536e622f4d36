import { systemClock } from '../../core/clock.js'
import { TaskState } from '../../state/task-state.js'
import { memoryFolder } from '../../store/memory/memory-folder.js'
import { BatchRules } from '../../log/batch-rules.js'
import { rowStateKind } from '../kept/row-kind.js'
import { rowKey } from '../kept/row.js'
import { Agenda, type Lane } from './agenda.js'
import type { Schedule } from './schedule.js'

async function open(): Promise<Agenda> {
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
  let read = (): void => undefined
  const known = new Promise<void>((resolve) => (read = resolve))
  const onError = (error: unknown): never => {
    throw error
  }
  const agenda = new Agenda(0, state, { app: 'app', times: undefined, streams: [], onRead: () => read(), onError })
  await agenda.open(0)
  byClock(agenda).lookAhead(0)
  await known
  return agenda
}

const byClock = ({ lanes }: Agenda): Schedule => (lanes[0] as Lane).schedule

const set = (agenda: Agenda, key: string, timers: Readonly<Record<string, number>>): void =>
  agenda.change(agenda.row('user', key), 1, (row) => {
    row.timers ??= {}
    for (const [name, dueMs] of Object.entries(timers)) row.timers[name] = [dueMs, 'processing', null]
  })

describe('Agenda', () => {
  it('remembers an object once, however often its timers are set', async () => {
    const agenda = await open()
    for (let i = 0; i < 10_000; i++) set(agenda, 'ann', { quiet: 1_000 + i, often: 30_000 - i })
    expect(byClock(agenda).size).toBeLessThan(100)
  })

  it('puts an object back for what it is due for after it was taken', async () => {
    const agenda = await open()
    set(agenda, 'ann', { one: 10, other: 20 })
    const schedule = byClock(agenda)
    const key = rowKey('user', 'ann')
    for (const dueMs of [10, 20]) {
      expect(schedule.take(30)).toEqual({ dueMs, kind: '-timers', key })
      agenda.taken(agenda.rowOf(key), 'processing', dueMs)
    }
    expect(schedule.take(30)).toBeUndefined()
  })
})
