import { text } from '../../codec/codec.js'
import { recordCursor } from '../../log/cursor.js'
import type { Fetcher, LogPort } from '../../log/port.js'
import { memoryLog } from '../../memory/memory-log.js'
import { Intake } from './intake.js'
import { Task } from '../tasks/task.js'

const lines = { name: 'lines', codec: text() }

/** The log, with `between` called when an answer has left the fetcher and nobody has seen it yet. */
function withGap(log: LogPort, between: () => Promise<void>): LogPort {
  const fetcher = (inner: Fetcher): Fetcher => ({
    assign: (positions) => inner.assign(positions),
    pause: (at) => inner.pause(at),
    resume: (at) => inner.resume(at),
    held: () => inner.held(),
    next: async (signal) => {
      const answers = await inner.next(signal)
      await between()
      return answers
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  })
  return new Proxy(log, {
    get: (target, name) =>
      name === 'fetcher' ? (options: never) => fetcher(target.fetcher(options)) : Reflect.get(target, name),
  })
}

describe('an intake', () => {
  it('gives every record once when it is assigned anew just as an answer arrives', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(lines, ['a', 'b'])
    const task = new Task(0, undefined, { positions: new Map([['lines', 0]]), isKnown: true }, new Map())
    let gaps = 0
    const port = withGap(log, async () => {
      if (++gaps > 1) return
      intake.assign([task], new Set())
      // What is read again from the old place is more than what is on its way.
      await log.send(lines, ['c'])
    })
    const fail = (error: unknown): never => {
      throw error
    }
    const intake = new Intake(port, new Map(), () => undefined, fail, fail)
    intake.assign([task], new Set([task]))

    const found: string[] = []
    let sent = false
    while (found.length < 4) {
      await new Promise(setImmediate)
      for (let fetched = intake.take(); fetched !== undefined; fetched = intake.take()) {
        const cursor = recordCursor(fetched)
        while (cursor.next()) found.push(cursor.bytes.toString('utf8', cursor.valueStart, cursor.valueEnd))
        intake.done(fetched.bytes.length)
      }
      if (found.length === 3 && !sent) {
        sent = true
        await log.send(lines, ['d'])
      }
    }
    expect(found).toEqual(['a', 'b', 'c', 'd'])
    await intake.close()
  })
})
