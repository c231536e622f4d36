import { rm } from 'node:fs/promises'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { allPartitions, type TopicPartition } from '../../lib/core/record.js'
import { kafkaLog, type KafkaLog } from '../../lib/kafka/kafka-log.js'
import { nextName } from '../names.js'
import { OracleProcess, type OracleOptions } from './child.js'
import { groupOf, Input, type Numbered } from './input.js'
import { partitions, topicsOf } from './program.js'

/** One app's topics, its input, its processes and their directories; all gone after `close`, but for the topics. */
export class World {
  readonly app = nextName('oracle')
  readonly topics = topicsOf(this.app)
  readonly log: KafkaLog
  readonly input: Input
  readonly #brokers: readonly string[]
  readonly #directory = mkdtempSync(join(tmpdir(), 'millrace-oracle-'))
  readonly #processes: OracleProcess[] = []

  private constructor(brokers: readonly string[], seed: number) {
    this.#brokers = brokers
    this.log = kafkaLog({ brokers })
    this.input = new Input(seed)
  }

  static async open(brokers: readonly string[], seed = 1): Promise<World> {
    const world = new World(brokers, seed)
    const { input, errors } = world.topics
    const topics = [input, errors].map(({ name }) => ({ name, partitions, replicationFactor: -1, configs: {} }))
    await world.log.admin.create(topics)
    return world
  }

  async feed(records: Iterable<Numbered> | AsyncIterable<Numbered>): Promise<void> {
    await this.log.send(this.topics.input, records, { key: groupOf })
  }

  /** `brokers` for a process that reaches them another way. */
  start(options: Partial<Omit<OracleOptions, 'app' | 'dataDir'>> = {}, directory = 'a'): OracleProcess {
    const started = new OracleProcess({
      ...options,
      brokers: options.brokers ?? this.#brokers,
      app: this.app,
      dataDir: this.directoryOf(directory),
    })
    this.#processes.push(started)
    return started
  }

  directoryOf(directory = 'a'): string {
    return join(this.#directory, directory)
  }

  /** Deletes the local state. */
  async forget(directory = 'a'): Promise<void> {
    await rm(this.directoryOf(directory), { recursive: true, force: true })
  }

  partitionsOf(topic: string): readonly TopicPartition[] {
    return allPartitions(topic, partitions)
  }

  /** Where the topics end, as `topic[partition]` → offset; a partition never written to ends at 0. */
  async ends(topics: readonly string[], isolation: 'all' | 'committed' = 'all'): Promise<Record<string, number>> {
    return flat(
      await this.log.admin.endOffsets(
        topics.flatMap((topic) => this.partitionsOf(topic)),
        isolation,
      ),
    )
  }

  /** What the group has committed of what it reads. */
  async committed(): Promise<Record<string, number>> {
    const read = [...this.partitionsOf(this.topics.input.name), ...this.partitionsOf(this.topics.inbox)]
    return flat(await this.log.admin.stableCommitted(this.app, read))
  }

  /** Resolves when a running process has committed everything there is to read: what hopped on the way is in the inbox by then. */
  async allCommitted(by: OracleProcess): Promise<void> {
    for (const topic of [this.topics.input.name, this.topics.inbox]) {
      const ends = await this.ends([topic])
      for (;;) {
        const committed = await this.committed()
        if (Object.entries(ends).every(([at, end]) => (committed[at] ?? 0) >= end)) break
        const { last } = by
        await by.until(() => by.last !== last)
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.kill()))
    await this.log[Symbol.asyncDispose]()
    await rm(this.#directory, { recursive: true, force: true })
  }
}

function flat(positions: ReadonlyMap<string, ReadonlyMap<number, number>>): Record<string, number> {
  return Object.fromEntries(
    [...positions].flatMap(([topic, offsets]) =>
      [...offsets].map(([partition, offset]) => [`${topic}[${partition}]`, offset]),
    ),
  )
}
