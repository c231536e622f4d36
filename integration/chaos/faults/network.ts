import type { ApiName } from '../../network/apis.js'
import type { Network } from '../../network/network.js'
import type { Instance } from '../fleet.js'
import { sleep, until } from '../waiting.js'
import type { ChaosWorld } from '../world.js'
import type { Fault } from './fault.js'
import { fillUp } from './restart.js'

const rejoinPatienceMs = 90_000
/** A request of this kind may not come at all for a while. */
const lossPatienceMs = 5_000

/** Those of a commit are lost most often: they are what decides. */
const apis: readonly { readonly api: ApiName; readonly weight: number }[] = [
  { api: 'EndTxn', weight: 6 },
  { api: 'TxnOffsetCommit', weight: 4 },
  { api: 'Produce', weight: 3 },
  { api: 'AddPartitionsToTxn', weight: 2 },
  { api: 'AddOffsetsToTxn', weight: 2 },
  { api: 'InitProducerId', weight: 1 },
  { api: 'OffsetFetch', weight: 1 },
  { api: 'ListOffsets', weight: 1 },
  { api: 'ListTransactions', weight: 1 },
  { api: 'Fetch', weight: 1 },
  { api: 'Heartbeat', weight: 1 },
  { api: 'JoinGroup', weight: 1 },
  { api: 'SyncGroup', weight: 1 },
]

interface Behind {
  readonly instance: Instance
  readonly network: Network
}

const someone = ({ random, ready, networks }: ChaosWorld): Behind | undefined => {
  if (ready.length === 0) return undefined
  const instance = random.pick(ready)
  const network = networks.get(instance.seat)
  return network === undefined ? undefined : { instance, network }
}

/** Between one instance and the brokers; healed at the end, and the instance must then be at work again. */
const network = (name: string, weight: number, run: (world: ChaosWorld, behind: Behind) => Promise<string>): Fault => ({
  family: 'network',
  name,
  weight,
  fits: (world) => world.ready.length > 0,
  async run(world) {
    const behind = someone(world)
    if (behind === undefined) return `${name}: nobody is at work`
    world.counters.networkFaults++
    let done: string
    try {
      done = await run(world, behind)
    } finally {
      behind.network.heal()
    }
    await untilBack(world, behind.instance)
    return `${behind.instance.name}: ${done}`
  },
})

async function untilBack({ fleet }: ChaosWorld, { name, process }: Instance): Promise<void> {
  const { last } = process
  const isBack = (): boolean => process.hasEnded || (process.last !== last && process.last?.health.ready === true)
  const what = (): string => `instance ${name} to be ready again after its network has healed:\n${fleet.report()}`
  await until(rejoinPatienceMs, what, isBack)
}

export const networkFaults: readonly Fault[] = [
  network('lose', 6, async ({ random }, { network }) => {
    const { api } = random.weighted(apis)
    const way = random.pick(['request', 'answer'] as const)
    const fault = random.pick(['close', 'close', 'swallow'] as const)
    const loss = network.lose({ api, way, fault, count: random.between(1, 3), every: random.between(1, 3) })
    const end = performance.now() + lossPatienceMs
    while (loss.count === 0 && performance.now() < end) await sleep(20)
    return `${loss.count} × ${api} ${way} lost (${fault})`
  }),
  network('connections', 2, async ({ random }, { network }) => {
    const times = random.between(1, 5)
    for (let i = 0; i < times; i++) {
      network.dropConnections()
      await sleep(random.between(0, 500))
    }
    return `all connections broken ${times} times`
  }),
  network('delay', 2, async ({ random }, { network }) => {
    network.delay(500)
    const forMs = random.between(1_000, 8_000)
    await sleep(forMs)
    return `500 ms delay for ${forMs} ms`
  }),
  network('refuse', 1, async ({ random }, { network }) => {
    network.refuse()
    const forMs = random.between(500, 8_000)
    await sleep(forMs)
    return `no connection for ${forMs} ms`
  }),
  network('cut-off', 2, async ({ random, options }, { network }) => {
    network.cut()
    const forMs = options.sessionTimeoutMs + random.between(500, 6_000)
    await sleep(forMs)
    return `cut off for ${forMs} ms`
  }),
  {
    // Inboxes are trimmed every 30 s: what it would read next has been deleted meanwhile.
    ...network('long-cut-off', 0.5, async (_world, { network }) => {
      network.cut()
      await sleep(60_000)
      return 'cut off for 60 s'
    }),
    fits: (world) => world.ready.length > 1 && world.options.minutes >= 4,
  },
  {
    family: 'network',
    name: 'kill-in-commit',
    weight: 4,
    fits: (world) => world.ready.length > 0,
    async run(world) {
      const { random, counters, fleet } = world
      const behind = someone(world)
      if (behind === undefined) return 'kill in commit: nobody is at work'
      const { instance, network } = behind
      // While its answers are late, most of its time is spent between the appends of a commit and the end of it.
      network.delay(random.between(50, 400))
      await sleep(random.between(500, 2_000))
      counters.networkFaults++
      counters.kills++
      await fleet.kill(instance)
      network.heal()
      return `kill -9 of ${instance.name} in a slow commit; started ${await fillUp(world)}`
    },
  },
]
