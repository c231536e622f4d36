import { Instance } from '../../../test/instances.js'
import { app, flows, inputs, Sent, stateOf, words } from '../../../test/word-app.js'
import { MillraceError } from '../../core/errors.js'
import { PositionMap } from '../../core/record.js'
import type { Fetcher, LogPort } from '../../log/port.js'
import { memoryLog } from '../../memory/memory-log.js'
import { drained } from '../drain.js'

/** A log whose live fetcher is told once that a position of the inbox is gone, as after others have trimmed it. */
function trimmedOnce(log: LogPort): {
  readonly port: LogPort
  readonly trim: () => void
  readonly isTold: () => boolean
} {
  let due = false
  let told = false
  const wrap = (fetcher: Fetcher): Fetcher => ({
    assign: (positions) => fetcher.assign(positions),
    pause: (partition) => fetcher.pause(partition),
    resume: (partition) => fetcher.resume(partition),
    held: () => fetcher.held(),
    next: async (signal) => {
      const answers = await fetcher.next(signal)
      if (!due) return answers
      due = false
      told = true
      const at = { topic: `${app}-word-inbox`, partition: 0, offset: 0 }
      throw new MillraceError('OFFSET_OUT_OF_RANGE', 'trimmed, made up', at)
    },
    [Symbol.asyncDispose]: async () => fetcher[Symbol.asyncDispose](),
  })
  const port = {
    ...log,
    admin: log.admin,
    fetcher: (options: Parameters<LogPort['fetcher']>[0]) => wrap(log.fetcher(options)),
  }
  return { port, trim: () => (due = true), isTold: () => told }
}

describe('a position that is not in its partition', () => {
  it('leads back to the committed one, where the app goes on exactly', async () => {
    const log = memoryLog({ partitions: 3 })
    const sent = new Sent(log)
    const some = ['a', 'b', 'c', 'd'].map((word) => ({ word, lane: 'p', drop: false }))
    await sent.send(some)
    let wrapped: ReturnType<typeof trimmedOnce> | undefined
    const instance = new Instance({
      app,
      log,
      objects: [words],
      flows,
      wrap: (port) => (wrapped = trimmedOnce(port)).port,
    })
    await instance.engine.start()
    await drained(instance.engine)
    wrapped?.trim()
    await sent.send(some)
    await drained(instance.engine)
    expect(wrapped?.isTold()).toBe(true)
    expect(instance.failure).toBeUndefined()
    expect(await sent.faults(await stateOf([instance.engine]))).toEqual([])
    await instance.engine.stop(1_000)
  })

  it('stops the app when the committed one is not in it either: its records are gone', async () => {
    const log = memoryLog({ partitions: 1 })
    const sent = new Sent(log)
    const some = Array.from('abcdefgh').map((word) => ({ word, lane: 'p', drop: false }))
    await sent.send(some)
    const first = new Instance({ app, log, objects: [words], flows })
    await first.engine.start()
    await drained(first.engine)
    await first.engine.stop(1_000)
    await sent.send([...some, ...some])
    await log.admin.trim(PositionMap.of([[inputs.name, 0, some.length + 4]]).topics)

    const second = new Instance({ app, log, objects: [words], flows, folder: first.folder })
    void second.engine.start().catch(() => undefined)
    while (second.failure === undefined) await new Promise(setImmediate)
    expect(second.failure.error).toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      topic: inputs.name,
      partition: 0,
      offset: some.length,
    })
  })
})
