import { ClusterRoles } from './kafka/cluster-roles.js'
import { nextName } from './names.js'
import { expectExactlyOnce, expectSettled } from './oracle/check.js'
import type { OracleProcess } from './oracle/child.js'
import { hasHeard, standing } from './oracle/standing.js'
import { World } from './oracle/world.js'
import { describeWithThreeBrokers } from './setup/with-three-brokers.js'

const objects = 500
const commitIntervalMs = 200

describeWithThreeBrokers('an app on three brokers', (kafka) => {
  let world: World
  let roles: ClusterRoles
  let processes: readonly [OracleProcess, OracleProcess]

  beforeEach(async () => {
    const { addresses } = kafka()
    world = await World.open(addresses)
    roles = new ClusterRoles(addresses)
  }, 20_000)
  afterEach(async () => {
    roles[Symbol.dispose]()
    await world.close()
  }, 20_000)

  const begins = async (): Promise<void> => {
    await world.feed(world.input.each(0, objects))
    processes = [world.start({ commitIntervalMs }, 'a'), world.start({ commitIntervalMs }, 'b')]
    await Promise.all(processes.map((one) => one.until(() => one.ready !== undefined)))
  }
  /** Everything fed before is committed. */
  const goesOn = async (): Promise<void> => world.allCommitted(processes[0])
  const ends = async (): Promise<void> => {
    await goesOn()
    await Promise.all(processes.map(hasHeard))
    // Each lists the objects of its tasks before it gives them to the other.
    await Promise.all(processes.map((one) => one.stop()))
    await expectExactlyOnce(world, new Map([...processes[0].objects, ...processes[1].objects]))
    await expectSettled(world)
    const figures = processes.map(({ last }) => `${last!.stats.commits} commits, ${last!.stats.rollbacks} rollbacks`)
    console.log(figures.join('\n'))
  }

  it('does everything exactly once while each broker is killed in turn and leaders move back', async () => {
    const hit = new Set<string>()
    const took: string[] = []
    await begins()
    await using work = new Feeding(world, processes[0])
    for (const node of [1, 2, 3]) {
      const held = await rolesOf(world, roles, node)
      for (const role of held) hit.add(role)
      await kafka().kill(node)
      const killedAt = performance.now()
      await work.fedAnew()
      await goesOn()
      took.push(`${node} (${held.join(', ')}): ${Math.round(performance.now() - killedAt)} ms`)
      await kafka().start(node)
      expect(await roles.moveToPreferred()).toBeGreaterThan(0)
      await work.fedAnew()
    }
    await work.end()
    console.log(`everything fed after a kill was committed after\n${took.join('\n')}`)
    expect([...hit].sort()).toEqual(['changelog', 'group', 'transactions'])
    await ends()
  }, 300_000)

  it('makes topics that every broker knows when it says so, as any of them may be asked next', async () => {
    for (let i = 0; i < 20; i++) {
      const name = nextName('made')
      await world.log.admin.create([{ name, partitions: 1, replicationFactor: -1, configs: {} }])
      expect(await roles.knowing(name)).toEqual([1, 2, 3])
    }
  }, 60_000)

  it('waits while two of them are away, fewer than min.insync.replicas are left, and goes on when they are back', async () => {
    await begins()
    await using work = new Feeding(world, processes[0])
    await work.fedAnew()
    await Promise.all([kafka().kill(1), kafka().kill(2)])
    const commits = (): number => processes[0].last!.stats.commits
    const before = await standing(processes[0], commits, 150)
    await Promise.all([kafka().start(1), kafka().start(2)])
    await work.fedAnew()
    await goesOn()
    await work.end()
    expect(commits()).toBeGreaterThan(before)
    await ends()
  }, 300_000)
})

/** What of the app a broker does at the moment. */
async function rolesOf(world: World, roles: ClusterRoles, node: number): Promise<string[]> {
  const held: string[] = []
  if ((await roles.coordinator('group', world.app)) === node) held.push('group')
  const ids = await roles.transactions(`${world.app}:`)
  if ([...ids.values()].includes(node)) held.push('transactions')
  const leaders = world.partitionsOf(world.topics.changelog.name).map((at) => roles.leader(at))
  if ((await Promise.all(leaders)).includes(node)) held.push('changelog')
  return held
}

/** Feeds a chunk for each commit, so that there is always some work and never much: the brokers have enough to do. */
class Feeding implements AsyncDisposable {
  readonly #world: World
  readonly #by: OracleProcess
  readonly #done: Promise<void>
  #chunks = 0
  #goOn = true
  #fed: (() => void) | undefined

  constructor(world: World, by: OracleProcess) {
    this.#world = world
    this.#by = by
    this.#done = this.#feed()
  }

  /** Resolves when a chunk has been fed that was begun after this call. */
  async fedAnew(): Promise<void> {
    for (const wanted = this.#chunks + 2; this.#chunks < wanted;) {
      await Promise.race([new Promise<void>((resolve) => (this.#fed = resolve)), this.#done])
    }
  }

  async end(): Promise<void> {
    this.#goOn = false
    await this.#done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  async #feed(): Promise<void> {
    while (this.#goOn) {
      await this.#world.feed(this.#world.input.mixed(chunk, objects))
      this.#chunks++
      this.#fed?.()
      const { commits } = this.#by.last!.stats
      await this.#by.until(() => !this.#goOn || this.#by.last!.stats.commits > commits)
    }
  }
}

const chunk = 500
