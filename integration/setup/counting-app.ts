import { createApp, memoryLog, stateObject, topic, type App } from 'millrace'
import { z } from 'zod'
import { silentLogger, type Logger } from '../../lib/core/logger.js'

const numbered = topic('numbered', z.object({ key: z.string(), n: z.number(), note: z.string() }))
/** Keeps how many came, the last of them, and the first that was not the next: a store that is wrong in any way shows. */
export const counter = stateObject('counter', {
  state: z.object({ count: z.number(), wrong: z.string().nullable(), note: z.string() }),
  init: () => ({ count: 0, wrong: null, note: '' }),
}).on(
  numbered,
  ({ key }) => key,
  (state, { n, note }) => {
    if (n !== state.count + 1) state.wrong ??= `${n} came after ${state.count}`
    state.count = n
    state.note = note
  },
)

/** Objects per round. */
export const objects = 400

/** An app on the embedded log, which outlives its processes here, with its stores on disk. */
export class Case {
  readonly log = memoryLog({ partitions: 1 })
  readonly warnings: string[] = []
  #rounds = 0

  /** One record for each object. */
  async feed(count = objects, noteBytes = 100): Promise<void> {
    const n = ++this.#rounds
    const records = Array.from({ length: count }, (_, i) => ({ key: `object-${i}`, n, note: 'x'.repeat(noteBytes) }))
    await this.log.send(numbered, records, { key: ({ key }) => key })
  }

  app(dataDir: string): App {
    const logger: Logger = { ...silentLogger, warn: (_facts, message) => this.warnings.push(String(message)) }
    return createApp({ id: 'faults', objects: [counter], log: this.log, dataDir, logger })
  }

  /** Runs an app until it has done everything, checks its state against the input and says how many records it restored. */
  async runTo(dataDir: string, count = objects): Promise<number> {
    await using app = this.app(dataDir)
    await app.start()
    await app.drained()
    const { restoredRecords } = app.stats()
    const found: string[] = []
    for await (const [, { count: n, wrong }] of app.state(counter).entries()) found.push(`${n} ${wrong}`)
    expectSame(
      found,
      Array.from({ length: count }, () => `${this.#rounds} null`),
    )
    await app.close()
    await app.closed()
    return restoredRecords
  }
}

function expectSame(found: readonly string[], expected: readonly string[]): void {
  expect(found).toEqual(expected)
}
