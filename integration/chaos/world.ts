import { join } from 'node:path'
import { silentLogger } from '../../lib/core/logger.js'
import { allPartitions, type TopicPartition } from '../../lib/core/record.js'
import { kafkaLog, type KafkaLog } from '../../lib/kafka/kafka-log.js'
import { openNetwork, type Network } from '../network/network.js'
import { Input } from '../oracle/input.js'
import { topicsOf, type OracleTopics } from '../oracle/program.js'
import { startBrokers, type Brokers } from './brokers.js'
import { noCounts } from './counters.js'
import { Feeder } from './feeder.js'
import { Fleet, type Instance } from './fleet.js'
import { Follower } from './follower.js'
import type { ChaosOptions } from './options.js'
import { Random } from './random.js'

/** Everything a fault can do something to. */
export class ChaosWorld {
  readonly app = 'chaos'
  readonly options: ChaosOptions
  readonly dir: string
  readonly random: Random
  readonly brokers: Brokers
  readonly topics: OracleTopics
  readonly input: Input
  readonly log: KafkaLog
  readonly feeder: Feeder
  readonly follower: Follower
  readonly fleet: Fleet
  /** Of each seat, when faults of the network are asked for. */
  readonly networks = new Map<number, Network>()
  readonly counters = noCounts()
  /** Rejects with the first thing that went wrong while something else was done. */
  readonly failed: Promise<never>
  /** How many instances there should be between two faults. */
  target: number

  private constructor(options: ChaosOptions, dir: string, brokers: Brokers) {
    const { seed, partitions, objects, rate } = options
    this.options = options
    this.dir = dir
    this.brokers = brokers
    this.random = new Random(seed)
    this.target = Math.min(3, options.instances)
    this.topics = topicsOf(this.app, partitions)
    // About twenty lives of each object in a minute of the default rate.
    this.input = new Input(seed, 0.02)
    this.log = kafkaLog({ brokers: brokers.addresses }, { logger: silentLogger })
    let onFailure = (_error: unknown): void => undefined
    this.failed = new Promise((_, reject) => (onFailure = reject))
    // It is raced against what is being done; when nothing is, the next race hears of it.
    this.failed.catch(() => undefined)
    const { log, topics, input } = this
    this.follower = new Follower({ log, topics, partitions, onFailure })
    const backlog = (): number => this.feeder.produced - this.follower.updates
    const { name: topic } = topics.input
    this.feeder = new Feeder({ log, topic, partitions, input, objects, rate, backlog, onFailure })
    const brokersOf = (seat: number): readonly string[] => this.networks.get(seat)?.addresses ?? brokers.addresses
    this.fleet = new Fleet({ brokersOf, app: this.app, chaos: options, dir, onFailure })
  }

  /** Starts brokers and makes the topics that must be there. */
  static async open(options: ChaosOptions, dir: string): Promise<ChaosWorld> {
    const world = new ChaosWorld(options, dir, await startBrokers(join(dir, 'kafka'), options.brokers))
    if (options.faults.includes('network')) {
      for (const seat of world.fleet.seats) world.networks.set(seat, await openNetwork(world.brokers.addresses))
    }
    const { input, updates, rows, copy, errors, alarms } = world.topics
    const made = [input, updates, rows, copy, errors, alarms].map(({ name }) => ({
      name,
      partitions: options.partitions,
      replicationFactor: options.brokers,
      configs: { 'retention.ms': '-1' },
    }))
    await world.log.admin.create(made)
    return world
  }

  /** Where the app reads its input. */
  get sources(): readonly TopicPartition[] {
    const { input, inbox } = this.topics
    const inboxes = this.options.trouble === 0 ? [inbox] : [inbox, `${this.app}-alarm-inbox`]
    return [
      ...allPartitions(input.name, this.feeder.partitions),
      ...inboxes.flatMap((name) => allPartitions(name, this.options.partitions)),
    ]
  }

  /** Of all topics of the app, its own ones included. */
  get partitions(): readonly TopicPartition[] {
    const { updates, rows, copy, errors, alarms, changelog } = this.topics
    const written = [changelog, updates, rows, copy, errors, alarms]
    return [...this.sources, ...written.flatMap(({ name }) => allPartitions(name, this.options.partitions))]
  }

  /** Starts one more where there is a free seat; how is left to chance. */
  startOne(how: { readonly directory?: string; readonly isStatic?: boolean } = {}): Instance | undefined {
    const seat = this.fleet.freeSeats[0]
    if (seat === undefined) return undefined
    const isStatic = how.isStatic ?? this.random.chance(0.3)
    return this.fleet.start(seat, { ...how, isStatic })
  }

  /** Those that are at work, as far as they have said. */
  get ready(): readonly Instance[] {
    return this.fleet.alive.filter(({ isFrozen, process }) => !isFrozen && process.last?.health.state === 'running')
  }

  async close(): Promise<void> {
    this.fleet.killAll()
    // The log goes first: with the brokers away it is what feeder and follower wait for.
    const ended = Promise.allSettled([this.feeder.pause(), this.follower.close()])
    await this.log[Symbol.asyncDispose]()
    await ended
    for (const network of this.networks.values()) await network.close()
    await this.brokers.stop()
  }
}
