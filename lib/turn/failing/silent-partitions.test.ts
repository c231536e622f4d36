import { z } from 'zod'
import { silentLogger } from '../../core/logger.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'
import { testDriver } from '../../testing/driver.js'

const record = z.object({ id: z.string(), at: z.number(), bad: z.boolean() })
const timestamp = ({ at }: { at: number }): number => at
const busy = topic('busy', record, { timestamp })
const silent = topic('silent', record, { timestamp })
const closed = topic('closed', z.string())
const schema = z.object({ n: z.number() })
const init = (): { n: number } => ({ n: 0 })

const order = stateObject('order', { state: schema, init }).on(
  busy,
  { key: ({ id }) => id, onError: { attempts: 1 } },
  (state, { bad }) => {
    state.n++
    if (bad) throw new Error('this one fails')
  },
)
const minute = stateObject('minute', { state: schema, init, window: tumbling('1m') })
  .on(busy, { key: ({ id }) => id }, (state) => void state.n++)
  .on(silent, { key: ({ id }) => id }, (state) => void state.n++)
  .onClose((_state, turn) => turn.emit(closed, `${turn.key}@${turn.window.start}`))

describe('a window that waits for a silent partition', () => {
  it('closes five seconds later, although everything is done again every second', async () => {
    let redone = 0
    const debug = (_fields: object, message = ''): void => void (redone += message.includes('processed again') ? 1 : 0)
    const logger = { ...silentLogger, debug }
    await using driver = testDriver({ failures: 'expect', objects: [order, minute], partitions: 1, logger })
    await driver.send(silent, { id: 'first', at: 1_000, bad: false })
    await driver.send(busy, { id: 'far', at: 100_000, bad: false })
    for (let second = 1; second <= 3; second++) {
      await driver.advance('1s')
      const each = { id: `o${second}`, at: 100_000 + second }
      await driver.sendAll(busy, [
        { ...each, bad: false },
        { ...each, bad: true },
      ])
      expect(redone).toBe(second)
      expect(driver.output(closed)).toEqual([])
    }
    await driver.advance('2500ms')
    expect(driver.output(closed).map(({ value }) => value)).toEqual(['first@0'])
  })
})
