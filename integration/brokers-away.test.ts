import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, kafkaLog, stateObject, topic, type App, type StateChange } from 'millrace'
import { z } from 'zod'
import { silentLogger } from '../lib/core/logger.js'
import { nextName } from './names.js'
import { OwnBroker } from './setup/own-broker.js'
import { describeWithKafka } from './setup/with-kafka.js'

const objects = 50
/** What comes, comes in seconds; a busy machine may take many. */
const patienceMs = 45_000
/** Longer than a test may take. */
const never = '10m'
const event = z.object({ key: z.string() })
const count = z.object({ key: z.string(), count: z.number() })

/** An app that counts per key, what it has said of itself, and what it must come to. */
class Counting {
  readonly id = nextName('away')
  readonly changes: StateChange[] = []
  readonly #input = topic(`${this.id}-input`, event, { partitions: 2 })
  readonly #counts = topic(`${this.id}-counts`, count, { partitions: 2 })
  readonly #brokers: readonly string[]
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-away-'))
  readonly #apps: App[] = []
  #sent = 0

  constructor(broker: string) {
    this.#brokers = [broker]
  }

  /** `changes` are those of the first. */
  app(): App {
    const object = stateObject('object', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
      this.#input,
      ({ key }) => key,
      (state, { key }, turn) => turn.emit(this.#counts, { key, count: ++state.count }),
    )
    const app = createApp({
      id: this.id,
      objects: [object],
      kafka: { brokers: this.#brokers },
      dataDir: this.#folder,
      createTopics: true,
      sessionTimeout: '6s',
      logger: silentLogger,
    })
    if (this.#apps.length === 0) app.onStateChange((change) => this.changes.push(change))
    this.#apps.push(app)
    return app
  }

  /** One more of each object. */
  async send(): Promise<void> {
    await using log = kafkaLog({ brokers: this.#brokers })
    const values = Array.from({ length: objects }, (_, i) => ({ key: `k${i}` }))
    await log.send(this.#input, values, { key: ({ key }) => key })
    this.#sent++
  }

  /** What readers of committed records see: per key the counts in the order they came. */
  async counts(): Promise<number[][]> {
    await using log = kafkaLog({ brokers: this.#brokers })
    const found = new Map<string, number[]>()
    for await (const { value } of log.read(this.#counts)) {
      if (value !== null) found.set(value.key, [...(found.get(value.key) ?? []), value.count])
    }
    return [...found.values()]
  }

  /** The counts 1, 2, 3, … of each key, once. */
  get expected(): number[][] {
    return Array.from({ length: objects }, () => Array.from({ length: this.#sent }, (_, i) => i + 1))
  }

  get path(): string {
    return this.changes.map(({ to }) => to).join(' ')
  }

  async remove(): Promise<void> {
    await Promise.all(this.#apps.map((app) => app.close({ timeout: 100 })))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Resolves to how many milliseconds it took. */
async function until(what: string, test: () => boolean): Promise<number> {
  const began = performance.now()
  while (!test()) {
    if (performance.now() - began > patienceMs) throw new Error(`not within ${patienceMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return Math.round(performance.now() - began)
}

const lasts = async (work: Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work
  return Math.round(performance.now() - began)
}

describeWithKafka('an app whose broker is away', () => {
  let broker: OwnBroker
  let counting: Counting
  beforeAll(async () => {
    broker = await OwnBroker.start()
  }, 180_000)
  afterAll(() => broker.remove(), 60_000)
  beforeEach(() => {
    counting = new Counting(broker.address)
  })
  afterEach(() => counting.remove())

  /** An app that has worked. */
  const running = async (): Promise<App> => {
    const app = counting.app()
    await app.start()
    await counting.send()
    await app.drained()
    expect(app.health()).toMatchObject({ live: true, ready: true, state: 'running', reason: undefined, lag: 0 })
    return app
  }

  it('that hangs says so, goes on when it answers, and has lost nothing', async () => {
    const app = await running()
    broker.freeze()
    const noticed = await until('degraded', () => counting.path.endsWith('degraded'))
    expect(app.health()).toMatchObject({ live: true, ready: false, reason: expect.stringContaining(broker.address) })
    broker.thaw()
    const backAfter = await until('running again', () => app.health().ready)
    await counting.send()
    await app.drained()
    expect(await counting.counts()).toEqual(counting.expected)
    // Down and up once: no flapping.
    await until('running again is told', () => /^(restoring )?running degraded running$/.test(counting.path))
    console.log(`hangs: degraded after ${noticed} ms, ready ${backAfter} ms after it was back`)
  }, 180_000)

  it('that hangs closes in time all the same, also while it starts', async () => {
    const app = counting.app()
    await app.start()
    await counting.send()
    broker.freeze()
    const other = counting.app()
    const starting = other.start()
    starting.catch(() => undefined)
    await until('degraded', () => app.health().state === 'degraded' && other.health().state === 'degraded')
    // One waits for what it has begun, the other has begun nothing.
    const took = [await lasts(app.close({ timeout: '1s' })), await lasts(other.close({ timeout: never }))]
    broker.thaw()
    await expect(starting).rejects.toMatchObject({ code: 'APP_CLOSED' })
    expect(app.health()).toMatchObject({ live: false, ready: false, state: 'closed' })
    console.log(`hangs: closed in ${took[0]} ms with a time-out of 1 s, while starting in ${took[1]} ms`)

    const next = counting.app()
    await next.start()
    await next.drained()
    expect(await counting.counts()).toEqual(counting.expected)
  }, 180_000)

  it('that was killed says so, waits for it with its start, closes without it, and has lost nothing', async () => {
    const app = await running()
    const late = new Counting(broker.address)
    try {
      await broker.kill()
      const noticed = await until('degraded', () => counting.path.endsWith('degraded'))
      expect(app.health()).toMatchObject({ live: true, ready: false, reason: expect.stringContaining(broker.address) })
      const closing = counting.app()
      closing.start().catch(() => undefined)
      const starting = late.app()
      const started = starting.start()
      await until('degraded', () => starting.health().state === 'degraded')
      expect(starting.health().reason).toContain(broker.address)
      await closing.close({ timeout: never })

      await broker.start()
      const backAfter = await until('running again', () => app.health().ready)
      await started
      await counting.send()
      await app.drained()
      expect(await counting.counts()).toEqual(counting.expected)
      console.log(
        `killed: degraded after ${noticed} ms, ready ${backAfter} ms after it answered again: ${counting.path}`,
      )
    } finally {
      await late.remove()
    }
  }, 180_000)
})
