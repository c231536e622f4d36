import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { nextName } from '../names.js'
import { output } from './output.js'

/** Runs of one example on a broker, each as another app, on topics that none had written to before. */
export class KafkaRuns {
  readonly #brokers: readonly string[]
  readonly #example: string
  readonly #topics: readonly string[]
  #directory = ''

  constructor(brokers: readonly string[], example: string, topics: readonly string[]) {
    this.#brokers = brokers
    this.#example = example
    this.#topics = topics
  }

  /** Deletes what an earlier run of the tests has left on a broker that outlives them. */
  async open(): Promise<void> {
    this.#directory = await mkdtemp(join(tmpdir(), 'millrace-example-'))
    const admin = new Kafka({ brokers: [...this.#brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const there = await admin.listTopics()
    await admin.deleteTopics({ topics: this.#topics.filter((topic) => there.includes(topic)) })
    await admin.disconnect()
  }

  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** What it prints when all its input is committed. */
  output(): Promise<string> {
    const where = ['--brokers', this.#brokers.join(','), '--app-id', nextName('example'), '--data-dir', this.#directory]
    return output(this.#example, [...where, '--until-drained'])
  }
}
