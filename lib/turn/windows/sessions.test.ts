import fc from 'fast-check'
import { z } from 'zod'
import { stateObject } from '../../model/state-object.js'
import { session, type SessionWindow } from '../../model/window.js'
import { deleted, enter } from './turn-parts.js'
import { closingSessions, inSession, isLate, type Sessions } from './sessions.js'

const gap = 10
const grace = 5
const merge = (a: { ids: number[] }, b: { ids: number[] }): { ids: number[] } => ({ ids: [...a.ids, ...b.ids] })
const kind = stateObject('visit', {
  state: z.object({ ids: z.array(z.number()) }),
  init: () => ({ ids: [] as number[] }),
  window: session(gap, { merge, grace }),
}).definition
const window = kind.window as SessionWindow

type State = { ids: number[] }
const handler = inSession(kind, window, ((state: State, id: number) => void state.ids.push(id)) as never)

/** Sessions of one key, to which records come while stream time goes on; those that are over are closed when `closes` says so. */
function run(records: readonly { readonly at: number; readonly moves: number }[], closes: (id: number) => boolean) {
  const sessions: Sessions = []
  const closed: string[] = []
  const late: number[] = []
  let streamTime = -Infinity
  const turn = (now: number) => ({
    key: 'a',
    now,
    streamTime,
    isNew: false,
    window: undefined as Window | undefined,
    [deleted]: false,
    [enter](bounds: Window) {
      this.window = bounds
    },
  })
  const close = closingSessions(
    window,
    ((state: State, { window: { start, end } }: { window: Window }) =>
      void closed.push(`${start}-${end} ${[...state.ids].sort((a, b) => a - b).join()}`)) as never,
  )
  for (const [id, { at, moves }] of records.entries()) {
    if (closes(id)) close(sessions as never, undefined as never, turn(streamTime) as never)
    if (isLate(sessions, at, window, streamTime)) late.push(id)
    else handler(sessions as never, id as never, turn(at) as never)
    streamTime = Math.max(streamTime, at - moves)
  }
  close(sessions as never, undefined as never, turn(Infinity) as never)
  return { closed: closed.sort(), late }
}

interface Window {
  readonly start: number
  readonly end: number
}

describe('sessions', () => {
  const record = fc.record({ at: fc.integer({ min: -50, max: 150 }), moves: fc.integer({ min: 0, max: 40 }) })
  const records = fc.array(record, { maxLength: 40 })

  it('come to the same whenever those that are over have their last turn', () => {
    fc.assert(
      fc.property(records, fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), (all, chance) => {
        expect(run(all, (id) => chance[id] === true)).toEqual(run(all, () => true))
      }),
      { numRuns: 500 },
    )
  })

  it('hold each record that is not late, once', () => {
    fc.assert(
      fc.property(records, (all) => {
        const { closed, late } = run(all, () => true)
        const ids = closed.flatMap((line) => line.split(' ')[1]!.split(',').map(Number))
        expect([...ids, ...late].sort((a, b) => a - b)).toEqual(all.map((_each, id) => id))
      }),
    )
  })
})
