import { z } from 'zod'
import { text } from '../../codec/codec.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'
import type { CrashStep } from '../../testing/life.js'

const lines = topic('lines', text())
const out = topic('out', text())
const copies = topic('copies', text())

/** Every line hops; the object counts and tells each line. */
const all = stateObject('all', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  lines,
  { key: () => 'k', route: 'shuffle' },
  (state, line, turn) => {
    state.n++
    turn.emit(out, line)
  },
)

async function crashed(step: CrashStep): Promise<{ told: string[]; copied: string[]; n: number }> {
  await using driver: TestDriver = testDriver({
    objects: [all],
    flows: [lines.to(copies)],
    partitions: 2,
    guarantee: 'at-least-once',
  })
  for (const line of ['a', 'b', 'c', 'd']) {
    if (line === 'b' || line === 'c') await driver.crash(step)
    await driver.send(lines, line)
  }
  expect(driver.crashes).toBe(2)
  const texts = (of: typeof out): string[] => driver.output(of).map(({ value }) => value ?? '')
  return { told: texts(out), copied: texts(copies), n: driver.state(all, 'k')?.n ?? 0 }
}

describe('at least once', () => {
  it.each(['turn', 'before-end', 'after-end', 'before-store'] as const)(
    'loses nothing when the process dies at %s',
    async (step) => {
      const { told, copied, n } = await crashed(step)
      expect(new Set(told)).toEqual(new Set(['a', 'b', 'c', 'd']))
      expect(new Set(copied)).toEqual(new Set(['a', 'b', 'c', 'd']))
      expect(n).toBeGreaterThanOrEqual(4)
    },
  )

  it('repeats what was sent but not committed: outputs are seen again, and state may count a record twice', async () => {
    const { copied } = await crashed('before-end')
    expect(copied.length).toBeGreaterThan(4)
  })

  it('repeats nothing when the process dies before it has sent anything', async () => {
    expect(await crashed('turn')).toEqual({ told: ['a', 'b', 'c', 'd'], copied: expect.any(Array), n: 4 })
  })
})
