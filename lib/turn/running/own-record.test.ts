import { z } from 'zod'
import { stateObject, type StateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import type { Turn } from '../../model/turn.js'
import { hopping, session } from '../../model/window.js'
import { testDriver } from '../../testing/driver.js'

const calls = topic('calls', z.object({ id: z.string(), at: z.number() }), { timestamp: ({ at }) => at })
const seen = topic('seen', z.array(z.string()))
const start = Date.UTC(2026, 0, 1)
const state = z.object({ n: z.number() })
const init = (): z.infer<typeof state> => ({ n: 0 })
const merge = (one: { n: number }, other: { n: number }): { n: number } => ({ n: one.n + other.n })

const shown = ({ record }: Turn): string =>
  `${record.topic}[${record.partition}]@${record.offset} ${record.key} ${record.timestamp - start} ${[...record.headers.keys()].join()}`

/** Before it waits, from what was kept, and from the turn afterwards. */
async function look(turn: Turn): Promise<void> {
  const { record } = turn
  const before = shown(turn)
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
  turn.emit(seen, [before, shown({ ...turn, record } as Turn), shown({ record: turn.record } as Turn)])
}

const handler = (_state: unknown, _value: unknown, turn: Turn): Promise<void> => look(turn)
const keyed = (route: 'auto' | 'shuffle') => ({ key: ({ id }: { id: string }) => id, route })

describe('the record of an asynchronous turn', () => {
  it.each<[string, () => StateObject]>([
    ['in place', () => stateObject('call', { state, init }).on(calls, keyed('auto'), handler)],
    ['after a hop', () => stateObject('call', { state, init }).on(calls, keyed('shuffle'), handler)],
    [
      'in several windows',
      () =>
        stateObject('call', { state, init, window: hopping('2m', { every: '1m' }) }).on(calls, keyed('auto'), handler),
    ],
    [
      'in sessions',
      () => stateObject('call', { state, init, window: session('1m', { merge }) }).on(calls, keyed('auto'), handler),
    ],
    [
      'of one of several values',
      () =>
        stateObject('call', { state, init }).on(
          calls.flatMap((each) => [each, { ...each, id: `${each.id}'` }]),
          keyed('auto'),
          handler,
        ),
    ],
  ])('stays its own: %s', async (_what, kind) => {
    for (const replay of ['none', 'every-record'] as const) {
      await using driver = testDriver({ objects: [kind()], partitions: 1, replay })
      await driver.sendAll(
        calls,
        Array.from({ length: 20 }, (_, n) => ({ id: `k${n}`, at: start + n })),
        { key: ({ id }) => id },
      )
      const found = driver.output(seen).map(({ value }) => value as string[])
      expect(new Set(found.map(([before]) => before)).size).toBe(20)
      for (const [before, kept, after] of found) expect([kept, after]).toEqual([before, before])
    }
  })
})
