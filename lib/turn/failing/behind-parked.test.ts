import { z } from 'zod'
import { text } from '../../codec/codec.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { testDriver } from '../../testing/driver.js'

const lines = topic('lines', text())
const done = topic('done', text())

it('large records behind a slow turn wait, however many: it is not given up while it is under way', async () => {
  let turns = 0
  const kind = stateObject('line', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
    lines,
    { key: () => 'k' },
    async (state, line, turn) => {
      // Much longer than commits wait: meanwhile all others come.
      if (turns++ === 0) await new Promise((resolve) => setTimeout(resolve, 1_500))
      state.n++
      turn.emit(done, line.slice(0, 2))
    },
  )
  await using driver = testDriver({ objects: [kind], partitions: 1 })
  const numbers = Array.from({ length: 25 }, (_, n) => String(n).padStart(2, '0'))
  await driver.sendAll(
    lines,
    numbers.map((n) => n + 'x'.repeat(900_000)),
    { key: () => 'k' },
  )
  expect(driver.output(done).map(({ value }) => value)).toEqual(numbers)
  expect(driver.state(kind, 'k')).toEqual({ n: 25 })
  expect(driver.deadLetters()).toEqual([])
})
