import { seeded } from './oracle/input.js'
import { expectExactlyOnce, expectSettled } from './oracle/check.js'
import type { OracleProcess } from './oracle/child.js'
import { rawRecords } from './oracle/raw-batches.js'
import { hasHeard } from './oracle/standing.js'
import { World } from './oracle/world.js'
import { type Network, openNetwork } from './network/network.js'
import { describeWithKafka } from './setup/with-kafka.js'

const objects = 500

describeWithKafka('an app behind a network that loses things', (brokers) => {
  let world: World
  const networks: Network[] = []

  beforeEach(async () => {
    world = await World.open(brokers)
    await world.feed(world.input.each(0, objects))
  }, 20_000)
  afterEach(async () => {
    await world.close()
    await Promise.all(networks.splice(0).map((network) => network.close()))
  }, 20_000)

  const newNetwork = async (): Promise<Network> => {
    const network = await openNetwork(brokers)
    networks.push(network)
    return network
  }
  const reaching = async (
    network: Network,
    { directory = 'a', commitIntervalMs = 10, sessionTimeoutMs = 6_000 } = {},
  ): Promise<OracleProcess> => {
    const process = world.start({ brokers: network.addresses, commitIntervalMs, sessionTimeoutMs }, directory)
    await process.until(() => process.ready !== undefined)
    return process
  }
  /** Gives it work, a little at a time, until something has come about. */
  const feedUntil = async (process: OracleProcess, done: () => boolean): Promise<void> => {
    while (!done()) {
      await world.feed(world.input.mixed(objects, objects))
      const { last } = process
      await process.until(() => done() || (process.last !== last && process.last!.health.lag < objects))
    }
  }

  const losses = [
    ['answers to EndTxn', { api: 'EndTxn', way: 'answer', every: 3 }],
    ['EndTxn requests', { api: 'EndTxn', way: 'request', every: 3 }],
    ['answers to TxnOffsetCommit', { api: 'TxnOffsetCommit', way: 'answer', every: 3 }],
  ] as const
  it.each(losses)(
    'does everything exactly once when %s are lost',
    async (_, options) => {
      const network = await newNetwork()
      const app = await reaching(network)
      const loss = network.lose(options)
      await feedUntil(app, () => loss.count >= 5)
      await isExactlyOnce(app)
      expect(loss.count).toBeGreaterThanOrEqual(5)
    },
    60_000,
  )

  it('does everything exactly once when its connections break again and again', async () => {
    const network = await newNetwork()
    const app = await reaching(network)
    const random = seeded(1)
    let broken = 0
    let nextAt = 0
    await feedUntil(app, () => {
      if (app.last!.stats.turns < nextAt) return broken === 10
      network.dropConnections()
      broken++
      nextAt = app.last!.stats.turns + random() * objects
      return broken === 10
    })
    await isExactlyOnce(app)
    expect(broken).toBe(10)
  }, 60_000)

  it('does everything exactly once when every answer takes half a second', async () => {
    const network = await newNetwork()
    const app = await reaching(network, { commitIntervalMs: 100 })
    network.delay(500)
    const { commits } = app.last!.stats
    await world.feed(world.input.mixed(2 * objects, objects))
    await app.until(() => app.last!.stats.commits >= commits + 3)
    await isExactlyOnce(app)
    expect(app.errors).not.toMatch(/no longer a member/)
  }, 60_000)

  it('loses its tasks when it is cut off, never shows what it wrote late, and takes part again', async () => {
    const networks = [await newNetwork(), await newNetwork()] as const
    const cutOff = await reaching(networks[0], { directory: 'a', sessionTimeoutMs: 2_000 })
    const other = await reaching(networks[1], { directory: 'b', sessionTimeoutMs: 2_000 })
    await world.allCommitted(other)
    await feedUntil(cutOff, () => cutOff.last!.stats.commits > 10 && cutOff.last!.health.lag > 0)
    networks[0].cut()
    const { commits } = cutOff.last!.stats
    const cutAt = performance.now()
    await feedUntil(other, () => performance.now() - cutAt > 3_000)
    // Everything, so that the other has all tasks.
    await world.allCommitted(other)
    const tookOverAfter = performance.now() - cutAt
    networks[0].heal()
    await feedUntil(cutOff, () => cutOff.last!.stats.commits > commits + 10 && cutOff.last!.health.ready)
    await isExactlyOnce(cutOff, other)
    expect(cutOff.last!.stats.rollbacks).toBeGreaterThan(0)
    console.log(`everything was committed ${Math.round(tookOverAfter)} ms after the cut\n${cutOff.errors}`)
  }, 90_000)

  /** They commit everything and end. */
  const isExactlyOnce = async (...processes: readonly OracleProcess[]): Promise<void> => {
    for (const network of networks) network.heal()
    await world.allCommitted(processes[0]!)
    await Promise.all(processes.map(hasHeard))
    await Promise.all(processes.map((one) => one.stop()))
    await expectExactlyOnce(world, new Map(processes.flatMap((one) => [...one.objects])))
    await expectSettled(world)
    const raw = await rawRecords(world.log, world.partitionsOf(world.topics.updates.name))
    const figures = processes.map(({ last }) => `${last!.stats.commits} commits, ${last!.stats.rollbacks} rollbacks`)
    console.log([...figures, `${raw.records - world.input.records} updates aborted`].join('\n'))
  }
})
