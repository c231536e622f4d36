import { z } from 'zod'
import { faultyLog } from '../../../test/faulty-log.js'
import { Instance } from '../../../test/instances.js'
import { readAll } from '../../../test/reading.js'
import { systemClock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import { silentLogger } from '../../core/logger.js'
import type { LogPort } from '../../log/port.js'
import { memoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'
import { drained } from '../../runtime/drain.js'
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

  it('closes five seconds later, although every second a commit is not made and its tasks are taken over anew', async () => {
    const log = memoryLog({ partitions: 1 })
    let now = Date.now()
    let fails = false
    const error = new MillraceError('COMMIT_ABORTED', 'not this time')
    const wrap = (port: LogPort): LogPort =>
      faultyLog(port, (step) => (step === 'offsets' && fails ? ((fails = false), { error, done: false }) : undefined))
    const clock = { ...systemClock, now: () => now }
    const { engine } = new Instance({ log, objects: [order, minute], wrap, engine: { clock } })
    await log.send(silent, [{ id: 'first', at: 1_000, bad: false }])
    await log.send(closed, [])
    await log.send(busy, [{ id: 'far', at: 100_000, bad: false }])
    await using _stopped = { [Symbol.asyncDispose]: () => engine.stop(1_000) }
    await engine.start()
    await drained(engine)
    for (let second = 1; second <= 3; second++) {
      now += 1_000
      fails = true
      await log.send(busy, [{ id: `o${second}`, at: 100_000 + second, bad: false }])
      await drained(engine)
      expect(engine.stats.rollbacks).toBe(second)
      expect(await readAll(log, closed)).toEqual([])
    }
    now += 2_500
    engine.poke()
    await drained(engine)
    expect((await readAll(log, closed)).map(({ value }) => value)).toEqual(['first@0'])
  })
})
