import { createApp, kafkaLog } from 'millrace'
import { silentLogger } from '../lib/core/logger.js'
import type { LogPort } from '../lib/log/port.js'
import { expectExactlyOnce, expectSettled } from './oracle/check.js'
import { changelogRecords } from './oracle/compaction.js'
import { objectOf, type OracleState } from './oracle/program.js'
import { World } from './oracle/world.js'
import { nextName } from './names.js'
import { openNetwork } from './network/network.js'
import { describeWithKafka } from './setup/with-kafka.js'

const objects = 500
/** Longer than a process takes to start. */
const sessionTimeoutMs = 20_000

/** What a member was assigned, round by round. */
interface Heard {
  readonly rounds: number[][]
}

/** A log that writes down what its member hears. */
function hearing(log: LogPort): { log: LogPort; heard: Heard } {
  const heard: Heard = { rounds: [] }
  const join: LogPort['join'] = (options) =>
    log.join({
      ...options,
      onAssign: async (generation, assignment, continuous) => {
        heard.rounds.push([...new Set(assignment.partitions.map(({ partition }) => partition))].sort())
        await options.onAssign(generation, assignment, continuous)
      },
    })
  return { heard, log: new Proxy(log, { get: (target, name) => (name === 'join' ? join : memberOf(target, name)) }) }
}

function memberOf(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name, target)
  return typeof member === 'function' ? (member.bind(target) as unknown) : member
}

describeWithKafka('a static member', (brokers) => {
  it('that is started again within its session, stopped or killed, finds its tasks and moves none of the others', async () => {
    const world = await World.open(brokers)
    const { log, heard } = hearing(kafkaLog({ brokers }) as unknown as LogPort)
    const object = objectOf(world.topics)
    const staying = createApp({
      id: world.app,
      objects: [object],
      flows: [world.topics.input.to(world.topics.copy)],
      log,
      dataDir: world.directoryOf('staying'),
      sessionTimeout: sessionTimeoutMs,
      instanceId: 'staying',
      logger: silentLogger,
    })
    const start = () => world.start({ sessionTimeoutMs, instanceId: 'restarted' }, 'restarted')
    try {
      await world.feed(world.input.each(0, objects))
      const first = start()
      await first.until(() => first.ready !== undefined)
      await staying.start()
      await staying.drained()
      const rounds = heard.rounds.length
      const held = heard.rounds.at(-1)!
      expect(held).toHaveLength(2)
      const { restoredRecords } = staying.stats()

      await first.stop()
      const second = start()
      await second.until(() => second.ready !== undefined)
      expect(second.ready!.stats.restoredRecords).toBe(0)
      // What it wrote in its life is all that its store can miss.
      const before = await changelogRecords(world)
      await world.feed(world.input.each(0, objects))
      await staying.drained()
      await world.feed(world.input.each(0, objects))
      await staying.drained()
      await second.kill()
      const missed = (await changelogRecords(world)) - before
      const third = start()
      await third.until(() => third.ready !== undefined)
      await world.feed(world.input.each(0, objects))
      await staying.drained()

      // Each restart is a round at most, in which the others hear of its new transactions.
      expect(heard.rounds.length - rounds).toBeLessThanOrEqual(2)
      expect(heard.rounds.slice(rounds)).toEqual(heard.rounds.slice(rounds).map(() => held))
      expect(staying.stats().restoredRecords).toBe(restoredRecords)
      expect(third.ready!.stats.restoredRecords).toBeLessThanOrEqual(missed)
      console.log(
        `${heard.rounds.length - rounds} rounds in two restarts; restored after a stop 0, after a kill ${third.ready!.stats.restoredRecords} of ${missed} written`,
      )

      const last = new Map<string, OracleState>()
      for await (const [key, state] of staying.state(object).entries()) last.set(key, state as OracleState)
      await third.stop()
      await expectExactlyOnce(world, new Map([...last, ...third.objects]))
      await staying.close()
      await expectSettled(world)
    } finally {
      await staying.close()
      await log[Symbol.asyncDispose]()
      await world.close()
    }
  }, 60_000)

  it('whose place in the group was taken in the middle of a round joins again, once', async () => {
    const network = await openNetwork(brokers)
    const behind = kafkaLog({ brokers: network.addresses }) as unknown as LogPort
    const direct = kafkaLog({ brokers }) as unknown as LogPort
    const nothing = { partitions: [], told: new Uint8Array() }
    const lost: string[] = []
    const options: Parameters<LogPort['join']>[0] = {
      group: nextName('fenced'),
      topics: [],
      instanceId: 'one',
      sessionTimeoutMs: 20_000,
      tell: () => new Uint8Array(),
      assign: (members) => new Map(members.map(({ id }) => [id, nothing])),
      onRevoke: () => Promise.resolve(),
      onAssign: () => Promise.resolve(),
      onLost: (reason) => lost.push(reason),
    }
    try {
      // As when a JoinGroup of its own, sent again because its answer was lost, reaches the broker late.
      const losing = network.loseRequests('SyncGroup', 1_000)
      const joining = behind.join(options)
      while (losing.count === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      await direct.join(options)
      await direct[Symbol.asyncDispose]()
      network.heal()
      const { generation } = await joining
      expect(generation.instanceId).toBe('one')
      expect(generation.generationId).toBeGreaterThan(0)
      expect(lost).toEqual([])
    } finally {
      await behind[Symbol.asyncDispose]()
      await direct[Symbol.asyncDispose]()
      await network.close()
    }
  }, 60_000)
})
