import { z } from 'zod'
import { systemClock } from '../../core/clock.js'
import { stateObject } from '../../model/state-object.js'
import type { Engine } from '../../runtime/engine.js'
import { TaskState } from '../../state/task-state.js'
import { memoryFolder } from '../../store/memory/memory-folder.js'
import type { KindAt } from './kind-at.js'
import { LocalState } from './local-state.js'

const { definition } = stateObject('counter', { state: z.number(), init: () => 0 })
const kind = { index: 0, definition } as KindAt
const everything = { prefix: '', after: undefined, limit: 1_000 }

describe('a page of a task', () => {
  it.each<[string, readonly number[], 'gone' | 'again' | 'there', string]>([
    ['goes to another instance', [], 'gone', 'KEY_ELSEWHERE'],
    ['is to be restored here', [3], 'gone', 'KEY_RESTORING'],
    ['was taken over anew', [3], 'again', 'KEY_RESTORING'],
    ['stays, and its store fails', [3], 'there', 'STORE_FAILED'],
  ])('says where the task is that %s while it is read', async (_what, held, then, code) => {
    const store = await memoryFolder().open(3, { purpose: 'live' })
    const batch = store.batch()
    for (let i = 0; i < 100; i++) batch.put(`counter\0${i}`, '1:1')
    await batch.write({ sync: false })
    const meta = { format: 1, changelogs: {}, positions: {}, bootId: 'b', clean: false, appliedAt: 0 } as const
    const options = { task: 3, kinds: [definition], store, meta, cacheEntries: 9, clock: systemClock }
    const state = new TaskState(options)
    const running = new Map([[3, { state }]])
    const local = new LocalState({ parts: { tasks: { running, held } } } as unknown as Engine)
    expect((await local.page(kind, 3, everything)).entries).toHaveLength(100)
    const page = local.page(kind, 3, everything)
    // It is among the entries by then.
    for (let i = 0; i < 30; i++) await Promise.resolve()
    if (then === 'gone') running.delete(3)
    if (then === 'again') running.set(3, { state: new TaskState(options) })
    await store.close()
    await expect(page).rejects.toMatchObject({ code })
  })
})
