import fc from 'fast-check'
import { z } from 'zod'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { session } from '../../model/window.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const gap = 10
const grace = 100
const acts = ['nothing', 'set', 'set by id', 'cancel', 'cancel by id', 'delete'] as const
const visit = z.object({ key: z.string(), id: z.number(), at: z.number(), act: z.enum(acts), dueMs: z.number() })
type Visit = z.infer<typeof visit>
const start = Date.UTC(2026, 0, 1)
const visits = topic('visits', visit, { timestamp: ({ at }) => start + at })
const fired = topic('fired', z.string())
const state = z.object({ ids: z.array(z.number()) })
const merge = (one: { ids: number[] }, other: { ids: number[] }): { ids: number[] } => ({
  ids: [...one.ids, ...other.ids],
})

const sorted = (ids: readonly number[]): string => [...ids].sort((a, b) => a - b).join()

const kind = stateObject('visit', {
  state,
  init: () => ({ ids: [] as number[] }),
  window: session(gap, { merge, grace }),
})
  .timers({ idle: z.number() })
  .on(
    visits,
    ({ key }) => key,
    (own, { id, act, dueMs }, turn) => {
      own.ids.push(id)
      const due = new Date(start + dueMs)
      if (act === 'set') turn.timer('idle', due, id)
      if (act === 'set by id') turn.timer('idle', due, id, { id: 'x' })
      if (act === 'cancel') turn.cancel('idle')
      if (act === 'cancel by id') turn.cancel('idle', { id: 'x' })
      if (act === 'delete') turn.delete()
    },
  )
  .onTimer('idle', (own, setBy, turn) => {
    turn.emit(
      fired,
      `${setBy} in ${turn.window.start - start}-${turn.window.end - start} with ${sorted(own.ids)}, new: ${turn.isNew}`,
    )
  })

interface Session {
  start: number
  end: number
  ids: number[]
  timers: Map<string, { readonly dueMs: number; readonly setBy: number }>
}

/** What comes of visits of one key in the order given, none of them late; timers fire when all have come. */
function expected(all: readonly Visit[], closedBefore: number): string[] {
  let sessions: Session[] = []
  for (const { id, at, act, dueMs } of all) {
    const met = sessions.filter((each) => each.start < at + gap && at < each.end).sort((a, b) => a.start - b.start)
    const joined: Session = {
      start: Math.min(at, ...met.map((each) => each.start)),
      end: Math.max(at + gap, ...met.map((each) => each.end)),
      ids: [...met.flatMap((each) => each.ids), id],
      // The later session's stay where both have one.
      timers: new Map(met.flatMap((each) => [...each.timers])),
    }
    if (act === 'set' || act === 'set by id') joined.timers.set(act, { dueMs, setBy: id })
    if (act === 'cancel') joined.timers.delete('set')
    if (act === 'cancel by id') joined.timers.delete('set by id')
    sessions = sessions.filter((each) => !met.includes(each))
    if (act !== 'delete') sessions.push(joined)
  }
  const open = sessions.filter(({ end }) => end + grace > closedBefore)
  return open.flatMap(({ start: from, end, ids, timers }) =>
    [...timers.values()].map(({ setBy }) => `${setBy} in ${from}-${end} with ${sorted(ids)}, new: false`),
  )
}

const texts = (driver: TestDriver): string[] => driver.output(fired).map(({ value }) => value as string)

describe('timers of sessions', () => {
  it('belong to the session that set them, whatever becomes of it', async () => {
    const one = fc.record({
      at: fc.integer({ min: 0, max: 60 }),
      act: fc.constantFrom(...acts),
      dueMs: fc.integer({ min: 1_000, max: 2_000 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(one, { minLength: 1, maxLength: 10 }),
        fc.constantFrom('nothing', 'crash', 'disk', 'in one commit'),
        fc.option(fc.integer({ min: 100, max: 200 }), { nil: undefined }),
        async (raw, between, closesAt) => {
          const all = raw.map((each, id) => ({ ...each, key: 'a', id }))
          await using driver = testDriver({ objects: [kind], partitions: 1, now: start })
          if (between === 'in one commit') await driver.sendAll(visits, all)
          else for (const each of all) await driver.send(visits, each)
          if (closesAt !== undefined)
            await driver.send(visits, { key: 'b', id: -1, at: closesAt, act: 'nothing', dueMs: 0 })
          if (between === 'disk') driver.loseDisk()
          if (between !== 'nothing') await driver.crash()
          await driver.advance('1m')
          const now = Math.max(...all.map(({ at }) => at), closesAt ?? 0)
          expect(texts(driver).sort()).toEqual(expected(all, now).sort())
        },
      ),
      { numRuns: 60 },
    )
  })

  it('fail, wait and are replayed in their session', async () => {
    let fails = true
    const failing = stateObject('visit', {
      state,
      init: () => ({ ids: [] as number[] }),
      window: session(gap, { merge, grace }),
    })
      .timers({ idle: z.number() })
      .on(
        visits,
        ({ key }) => key,
        (own, { id, dueMs }, turn) => {
          own.ids.push(id)
          turn.timer('idle', new Date(start + dueMs), id)
        },
      )
      .onTimer('idle', (own, setBy, turn) => {
        own.ids.push(-setBy)
        turn.emit(fired, `${setBy} ${sorted(own.ids)}`)
        if (fails) throw new Error('not yet')
      })
    await using driver = testDriver({ objects: [failing], partitions: 1, now: start, failures: 'expect' })
    await driver.send(visits, { key: 'a', id: 1, at: 0, act: 'set', dueMs: 10 })
    await driver.send(visits, { key: 'a', id: 2, at: 40, act: 'set', dueMs: 20 })
    for (let hour = 0; hour < 100; hour++) await driver.advance('1h')
    expect(driver.deadLetters()).toHaveLength(2)
    fails = false
    await driver.crash()
    await driver.replayDeadLetters()
    expect(texts(driver)).toEqual(['1 -1,1', '2 -2,2'])
  })
})
