import fc from 'fast-check'
import { z } from 'zod'
import { runs } from '../../../test/runs.js'
import { systemClock } from '../../core/clock.js'
import { BatchRules } from '../../log/batch-rules.js'
import type { Codec } from '../../codec/codec.js'
import { json } from '../../codec/json/json.js'
import { TaskState, type TaskChanges } from '../../state/task-state.js'
import { memoryFolder } from '../../store/memory/memory-folder.js'
import { Agenda } from '../../turn/due/agenda.js'
import { guardOf, type Guard } from '../../turn/kept/guard.js'
import { isHeld, type Row } from '../../turn/kept/row.js'
import { rowStateKind } from '../../turn/kept/row-kind.js'
import { Task } from './task.js'

const key = fc.constantFrom('a', 'b')
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('change' as const), key, isHeld: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('seal' as const, 'commit' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('undo' as const, 'abort' as const) }) },
)

/** More than a table keeps, and behind those of the objects. */
function crowd({ tables: [table] }: TaskState, round: number): void {
  for (const name of table!.guards.keys()) if (name.startsWith('other')) table!.guards.delete(name)
  for (let i = 0; i < 1_010; i++) guardOf(table!, `other ${round} ${i}`)
}

async function newTask(): Promise<{ readonly task: Task; readonly state: TaskState; readonly agenda: Agenda }> {
  const store = await memoryFolder().open(0, { purpose: 'live' })
  const meta = { format: 1 as const, changelogs: {}, positions: {}, bootId: 'b', clean: false, appliedAt: 0 }
  const object = {
    name: 'object',
    codec: json(z.object({})) as Codec<unknown>,
    version: 1,
    migrate: (_key: string, raw: unknown) => raw,
  }
  const kinds = [object, rowStateKind(new BatchRules().of('app-timers'))]
  const state = new TaskState({ task: 0, kinds, store, meta, cacheEntries: 10, clock: systemClock })
  const onError = (error: unknown): never => {
    throw error
  }
  const agenda = new Agenda(0, state, { app: 'app', times: undefined, streams: [], onRead: () => undefined, onError })
  await agenda.open(0)
  return { task: new Task(0, agenda, { positions: new Map(), isKnown: true }, new Map()), state, agenda }
}

describe('guards that are dropped since they are many', () => {
  it('are not those of objects for which turns wait, whatever is taken back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 30, size: 'max' }), async (steps) => {
        const { task, state, agenda } = await newTask()
        let seq = 1
        let inFlight: TaskChanges | undefined
        const commit = (): void => {
          if (inFlight === undefined) return
          crowd(state, seq)
          task.committed(new Map(), seq - 1)
          state.committed(inFlight, seq - 1, new Map(), { positions: new Map(), topics: new Map() })
          inFlight = undefined
        }
        for (const each of steps) {
          if (each.do === 'change')
            agenda.change(agenda.row('object', each.key), seq, (row) => {
              if (each.isHeld) row.waiting = { letters: { first: 0, end: 0 }, others: { first: 0, end: 1 }, bytes: 9 }
              else delete row.waiting
            })
          else if (each.do === 'seal') {
            commit()
            inFlight = state.changes()
            state.seal(seq++, inFlight)
          } else if (each.do === 'commit') commit()
          else if (each.do === 'undo') {
            commit()
            task.rewind(0)
          } else {
            inFlight = undefined
            await task.rewindToCommitted(0)
          }
          const held = ['a', 'b'].filter((name) => isHeld((agenda.row('object', name).state ?? {}) as Row))
          expect(
            held.filter((name) => (state.tables[0]!.guards.get(name) as Guard | undefined)?.mayHold !== true),
          ).toEqual([])
        }
      }),
      { numRuns: runs(200, 2_000) },
    )
  })
})
