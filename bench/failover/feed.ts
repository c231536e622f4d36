import type { Kafka, Producer } from 'kafkajs'
import { keyName } from './program.js'
import { pause } from './wall-clock.js'

/** Rare enough for the machine to have time for the instances: with every tick they make a commit each. */
const tickMs = 50
const fillBatch = 5_000

/** Sends records at a steady rate, the keys in turn, by a producer that keeps its connection. */
export class Feed {
  readonly #producer: Producer
  readonly #topic: string
  readonly #keys: number
  #steady: Promise<void> | undefined
  #stopping = false
  #sentSome: (() => void)[] = []
  sent = 0

  constructor(kafka: Kafka, topic: string, keys: number) {
    this.#producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false })
    this.#topic = topic
    this.#keys = keys
  }

  /** How many records of this key have been sent. */
  expected(index: number): number {
    return Math.floor(this.sent / this.#keys) + (index < this.sent % this.#keys ? 1 : 0)
  }

  /** One record per key, as fast as they are taken. */
  async fill(): Promise<void> {
    await this.#producer.connect()
    while (this.sent < this.#keys) await this.#send(Math.min(fillBatch, this.#keys - this.sent))
  }

  /** From now on until `stop`. */
  start(perSecond: number): void {
    this.#steady = this.#run(perSecond)
    this.#steady.catch(() => undefined)
  }

  /** Resolves when the next records have been taken. */
  nextSent(): Promise<void> {
    return new Promise((resolve) => this.#sentSome.push(resolve))
  }

  /** Resolves when all that was sent is acknowledged; rejects with what prevented it. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#steady
    await this.#producer.disconnect()
  }

  async #run(perSecond: number): Promise<void> {
    const begin = performance.now()
    const before = this.sent
    while (!this.#stopping) {
      const due = before + Math.floor(((performance.now() - begin) / 1_000) * perSecond)
      if (due > this.sent) await this.#send(due - this.sent)
      await pause(tickMs)
    }
  }

  async #send(count: number): Promise<void> {
    const messages = Array.from({ length: count }, (_, i) => {
      const key = keyName((this.sent + i) % this.#keys)
      return { key, value: JSON.stringify({ key }) }
    })
    await this.#producer.send({ topic: this.#topic, messages, acks: -1 })
    this.sent += count
    for (const resolve of this.#sentSome.splice(0)) resolve()
  }
}
