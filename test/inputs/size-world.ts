import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { createApp } from '../../lib/app/create-app.js'
import type { App } from '../../lib/app/app.js'
import type { AppOptions } from '../../lib/app/options.js'
import { replayDeadLetters } from '../../lib/app/replay.js'
import { text } from '../../lib/codec/codec.js'
import { silentLogger } from '../../lib/core/logger.js'
import type { Headers } from '../../lib/core/record.js'
import { batchBuilder } from '../../lib/log/batch-builder.js'
import type { LogClient } from '../../lib/log/client/client.js'
import type { LogPort } from '../../lib/log/port.js'
import { changelogTopic, deadLetterTopic, inboxTopic, timerTopic } from '../../lib/model/names.js'
import { stateObject } from '../../lib/model/state-object.js'
import { topic, type Topic } from '../../lib/model/stream.js'

/** How large something becomes on its way. */
export const ways = ['emit', 'state', 'row', 'hop', 'refused', 'retry', 'flow', 'send', 'replay'] as const
export type Way = (typeof ways)[number]

const order = z.object({
  way: z.enum(['emit', 'state', 'row', 'hop', 'retry', 'replay']),
  n: z.number(),
  bytes: z.number(),
  pad: z.string(),
})

/** Text that packs to three quarters at best. */
const noise = randomBytes(1 << 20).toString('base64url')

/** A number, and so many characters. */
const sized = (n: number, bytes: number): string => `${n} `.padEnd(bytes, noise)
const numberOf = (value: string): number => Number(value.slice(0, value.indexOf(' ')))

/** One app in which everything that can become too large becomes as large as it is told, in topics of one partition. */
export class SizeWorld {
  readonly id: string
  readonly log: LogPort & LogClient
  readonly app: App
  /** Until it is true turns of `replay` fail. */
  repaired = false
  readonly #names
  readonly #tried = new Set<number>()

  constructor(id: string, log: LogPort & LogClient, options: Partial<AppOptions> = {}) {
    this.id = id
    this.log = log
    const named = (name: string): string => `${id}-${name}`
    const raw = { partitions: 1 }
    const orders = topic(named('orders'), order, raw)
    const plain = topic(named('plain'), text(), raw)
    const out = topic(named('out'), text(), raw)
    const rows = topic(named('rows'), text(), raw)
    const copies = topic(named('copies'), text(), raw)
    const sent = topic(named('sent'), text(), raw)
    const seen = topic(named('seen'), text(), raw)
    this.#names = { orders, plain, out, rows, copies, sent, seen }
    const once = { attempts: 1, then: 'dead-letter' } as const
    const box = stateObject('box', {
      state: z.object({ pad: z.string(), row: z.string() }),
      init: () => ({ pad: '', row: '' }),
    })
      .on(
        orders.filter(({ way }) => way !== 'hop' && way !== 'retry'),
        { key: ({ way, n }) => `${way}${n}`, onError: once },
        (state, { way, n, bytes }, turn) => {
          if (way === 'replay' && !this.repaired) throw new Error('not yet')
          if (way === 'emit') turn.emit(out, sized(n, bytes))
          if (way === 'state') state.pad = sized(n, bytes)
          if (way === 'row') state.row = sized(n, bytes)
          if (way === 'replay') turn.emit(seen, sized(n, 10))
        },
      )
      .on(
        orders.filter(({ way }) => way === 'hop'),
        { key: ({ n }) => `hop${n}`, route: 'shuffle', onError: once },
        (_state, { n }, turn) => turn.emit(seen, sized(n, 10)),
      )
      .on(
        orders.filter(({ way }) => way === 'retry'),
        { key: ({ n }) => `retry${n}`, onError: { attempts: 2, backoff: 1 } },
        (_state, { n }, turn) => {
          turn.emit(seen, sized(n, 10))
          if (this.#tried.has(n)) return
          this.#tried.add(n)
          throw new Error('not at first')
        },
      )
      .publish(rows, ({ row }) => (row === '' ? null : row))
    this.app = createApp({
      id,
      log,
      objects: [box],
      flows: [plain.to(copies)],
      createTopics: true,
      logger: silentLogger,
      ...options,
    })
    this.app.closed().catch(() => undefined)
  }

  /** The topic that a way leads to. */
  topicOf(way: Way): string {
    const { out, rows, copies, sent } = this.#names
    const names: Record<Way, string> = {
      emit: out.name,
      state: changelogTopic(this.id, 'box'),
      row: rows.name,
      hop: inboxTopic(this.id, 'box'),
      refused: deadLetterTopic(this.id),
      retry: timerTopic(this.id),
      flow: copies.name,
      send: sent.name,
      replay: inboxTopic(this.id, 'box'),
    }
    return names[way]
  }

  /** Makes the topic of a way beforehand, as the app would but for its limit. */
  async limit(way: Way, maxMessageBytes: number): Promise<void> {
    const compacted =
      way === 'state' || way === 'retry'
        ? { 'cleanup.policy': 'compact' }
        : { 'cleanup.policy': 'delete', 'retention.ms': '-1' }
    const configs = { ...compacted, 'retention.bytes': '-1', 'max.message.bytes': String(maxMessageBytes) }
    await this.log.admin.create([{ name: this.topicOf(way), partitions: 1, replicationFactor: -1, configs }])
  }

  /** Its sources take batches of so many bytes. */
  async start(sourceBytes = 20_000_000): Promise<void> {
    const { orders, plain } = this.#names
    const large = { 'retention.ms': '-1', 'max.message.bytes': String(sourceBytes) }
    const own = Object.values(this.#names).map((each) => ({
      name: each.name,
      partitions: 1,
      replicationFactor: -1,
      configs: each === orders || each === plain ? large : { 'retention.ms': '-1' },
    }))
    await this.log.admin.create(own)
    await this.app.start()
  }

  /** Lets values of these sizes go their way, in one commit if that can be, and waits until all are where they belong. */
  async carry(way: Way, sizes: readonly number[]): Promise<void> {
    const { target, values } = this.#values(way, sizes, sized)
    await this.log.send(target, values)
    await this.#arrive(way)
  }

  /** The same with values that pack well, each sent as a gzip batch of its own: the topic's limit is for what it is packed to. */
  async carryPacked(way: Way, sizes: readonly number[]): Promise<void> {
    const { target, values } = this.#values(way, sizes, (n, bytes) => `${n} `.padEnd(bytes, 'well packed '))
    const partition = { topic: target.name, partition: 0 }
    await using channel = await this.log.idempotent()
    await channel.begin([partition], undefined)
    for (const value of values) {
      const builder = batchBuilder({ compression: 'gzip' })
      builder.add(null, value, Date.now())
      await channel.append(partition, builder.finish())
    }
    await channel.commit()
    await this.#arrive(way)
  }

  #values(way: Way, sizes: readonly number[], filler: typeof sized): { target: Topic<string>; values: string[] } {
    const { orders, plain, sent } = this.#names
    const isOrder = way !== 'send' && way !== 'flow' && way !== 'refused'
    const target = way === 'send' ? sent : way === 'flow' ? plain : topic(orders.name, text())
    const isLarge = way === 'hop' || way === 'retry' || way === 'replay'
    const values = sizes.map((bytes, n) =>
      isOrder ? JSON.stringify({ way, n, bytes, pad: isLarge ? filler(n, bytes) : '' }) : filler(n, bytes),
    )
    return { target, values }
  }

  async #arrive(way: Way): Promise<void> {
    await this.app.drained()
    if (way === 'retry') {
      while ((await this.arrived(way)).length < this.#tried.size) await this.app.drained()
    }
    if (way !== 'replay') return
    this.repaired = true
    await replayDeadLetters({ id: this.id, log: this.log, logger: silentLogger })
    await this.app.drained()
  }

  /** The numbers of the values that have arrived, in order; each of `retry` is of an object of its own, and has no place among others. */
  async arrived(way: Way): Promise<number[]> {
    const place = way === 'hop' || way === 'retry' || way === 'replay' ? this.#names.seen.name : this.topicOf(way)
    const found: number[] = []
    for await (const { value, record } of this.log.read(topic(place, text()))) {
      if (value === null || (way === 'refused' && codeOf(record.headers) !== 'VALUE_INVALID')) continue
      if (way !== 'state') found.push(numberOf(value))
      else if (value.includes('"pad":"')) found.push(Number(/"pad":"(\d+) /.exec(value)?.[1]))
    }
    return way === 'retry' ? found.sort((a, b) => a - b) : found
  }

  /** Codes of the dead letters. */
  async letters(): Promise<string[]> {
    const codes: string[] = []
    for await (const { record } of this.log.read(topic(deadLetterTopic(this.id), text())))
      codes.push(codeOf(record.headers))
    return codes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close()
    await this.log[Symbol.asyncDispose]()
  }
}

const codeOf = (headers: Headers): string => Buffer.from(headers.get('millrace.error.code') ?? []).toString()
