import { listeningLogger } from '../../../test/reading.js'
import { systemClock } from '../../core/clock.js'
import type { Held, LogAdmin, OpenTransaction } from '../../log/port.js'
import type { HeldPartition } from './held-partition.js'
import { HeldWatch } from './held-watch.js'

const began = Date.UTC(2026, 0, 1)
const openIn = (at: Held, producer?: OpenTransaction['producer']): OpenTransaction => ({
  topic: at.topic,
  partition: at.partition,
  startOffset: at.offset,
  ...(producer !== undefined && { producer }),
})
const known = (transactionalId: string): OpenTransaction['producer'] => ({
  producerId: 4012n,
  producerEpoch: 3,
  lastTimestamp: began + 1_000,
  transactionalId,
  began,
  timeoutMs: 60_000,
})
const hold = (offset: number, topic = 'orders', partition = 3): Held => ({
  topic,
  partition,
  offset,
  highWatermark: offset + 57,
})

/** An app 'shop' that writes to 'own', and what brokers answer when they are asked for open transactions. */
class Watching {
  readonly logger = listeningLogger()
  held: readonly Held[] = []
  asked = 0
  #now = 0
  readonly #watch: HeldWatch

  constructor(answer: (at: Held) => OpenTransaction | undefined) {
    const openTransactions: LogAdmin['openTransactions'] = async (held) => {
      this.asked++
      return (held as readonly Held[]).flatMap((at) => answer(at) ?? [])
    }
    this.#watch = new HeldWatch({
      app: 'shop',
      clock: { ...systemClock, now: () => began + this.#now, elapsed: () => this.#now },
      logger: this.logger,
      admin: { openTransactions } as LogAdmin,
      held: () => this.held,
      writesTo: (topic) => topic === 'own',
    })
  }

  get found(): readonly HeldPartition[] {
    return this.#watch.found
  }

  /** Time passes, and it is looked every 100 ms. */
  async pass(ms: number): Promise<void> {
    for (const end = this.#now + ms; this.#now < end; this.#now += 100) {
      this.#watch.look()
      // What was asked is answered.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

describe('partitions that are not read on', () => {
  it('are told with who holds them, and what to do, after some seconds, and no longer when they are read on', async () => {
    const watching = new Watching((at) => openIn(at, known('billing-7')))
    await watching.pass(60_000)
    watching.held = [hold(1_042)]
    await watching.pass(4_000)
    expect(watching).toMatchObject({ found: [], asked: 0 })
    await watching.pass(3_000)
    const [found] = watching.found
    expect(found).toMatchObject({ topic: 'orders', partition: 3, offset: 1_042, waiting: 57, since: began })
    expect(found).toMatchObject({ producerId: '4012', transactionalId: 'billing-7' })
    expect(found?.reason).toMatch(
      /^orders\[3\] is not read on from offset 1042: .*since 2026-01-01T00:00:00\.000Z, .* 57 offsets.*'billing-7' \(producer id 4012, epoch 3\); its time-out is 60 s\. .*kafka-transactions\.sh .*abort --topic orders --partition 3 --start-offset 1042$/,
    )
    expect(JSON.parse(JSON.stringify(watching.found))).toEqual(watching.found)
    expect(watching.logger.warnings).toEqual([found?.reason])
    await watching.pass(60_000)
    expect(watching.logger.warnings).toHaveLength(1)
    watching.held = []
    await watching.pass(2_000)
    expect(watching.found).toEqual([])
  })

  it('are asked for every ten seconds at most, however many there are, and never without need', async () => {
    const watching = new Watching((at) => openIn(at, known('billing-7')))
    watching.held = Array.from({ length: 50 }, (_, partition) => hold(7, 'orders', partition))
    await watching.pass(60_000)
    expect(watching.found).toHaveLength(50)
    expect(watching.asked).toBe(6)
    watching.held = []
    await watching.pass(60_000)
    expect(watching.asked).toBe(6)
  })

  it('are told without a producer where brokers do not tell it, and without its id where they tell only that', async () => {
    const nameless = { producerId: 9n, producerEpoch: 0, lastTimestamp: began }
    const watching = new Watching((at) => openIn(at, at.partition === 0 ? undefined : nameless))
    watching.held = [hold(1, 'orders', 0), hold(1, 'orders', 1)]
    await watching.pass(7_000)
    expect(watching.found).toMatchObject([
      { partition: 0, producerId: undefined, transactionalId: undefined },
      { partition: 1, producerId: '9', transactionalId: undefined },
    ])
    expect(watching.found[0]?.reason).toMatch(/do not say whose it is/)
    expect(watching.found[1]?.reason).toMatch(/producer id 9, epoch 0.*lacks Describe/)
  })

  it.each([
    ['by its transactional id', hold(5), known('shop:1')],
    ['by the topic, where brokers do not tell', hold(5, 'own'), undefined],
  ])('because of this app itself, as is known %s, are told only when that hangs', async (_how, at, producer) => {
    const watching = new Watching((one) => openIn(one, producer))
    watching.held = [at]
    await watching.pass(29_000)
    expect(watching).toMatchObject({ found: [], logger: { warnings: [] } })
    await watching.pass(3_000)
    expect(watching.found).toMatchObject([{ reason: expect.stringMatching(/It is of this app/) }])
    expect(watching.logger.warnings).toHaveLength(1)
  })

  it('are not told of as long as each stands still for a moment only, as where commits follow each other', async () => {
    const watching = new Watching((at) => openIn(at, known('billing-7')))
    for (let offset = 0; offset < 20; offset++) {
      watching.held = [hold(offset)]
      await watching.pass(4_000)
    }
    expect(watching).toMatchObject({ found: [], asked: 0 })
  })

  it('are not told of when nobody has a transaction open after all', async () => {
    const watching = new Watching(() => undefined)
    watching.held = [hold(5)]
    await watching.pass(60_000)
    expect(watching).toMatchObject({ found: [], logger: { warnings: [] } })
  })

  it('are asked for again when brokers did not answer', async () => {
    let failures = 2
    const watching = new Watching((at) => {
      if (failures-- > 0) throw new Error('away')
      return openIn(at, known('billing-7'))
    })
    watching.held = [hold(5)]
    await watching.pass(20_000)
    expect(watching.found).toEqual([])
    await watching.pass(10_000)
    expect(watching.found).toHaveLength(1)
  })
})
