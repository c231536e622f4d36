import { z } from 'zod'
import { createApp } from '../../lib/app/create-app.js'
import type { App } from '../../lib/app/app.js'
import type { AppOptions } from '../../lib/app/options.js'
import { replayDeadLetters } from '../../lib/app/replay.js'
import { text } from '../../lib/codec/codec.js'
import { silentLogger } from '../../lib/core/logger.js'
import type { LogClient } from '../../lib/log/client/client.js'
import type { LogPort } from '../../lib/log/port.js'
import { changelogTopic, deadLetterTopic, inboxTopic, timerTopic } from '../../lib/model/names.js'
import { stateObject } from '../../lib/model/state-object.js'
import { topic } from '../../lib/model/stream.js'

/** How large something becomes on its way. */
export const ways = ['emit', 'state', 'row', 'hop', 'refused', 'flow', 'send', 'replay'] as const
export type Way = (typeof ways)[number]

const order = z.object({
  way: z.enum(['emit', 'state', 'row', 'hop', 'replay']),
  n: z.number(),
  bytes: z.number(),
  pad: z.string(),
})

/** A number, and so many characters. */
const sized = (n: number, bytes: number): string => `${n} `.padEnd(bytes, 'x')
const numberOf = (value: string): number => Number(value.slice(0, value.indexOf(' ')))

/** One app in which everything that can become too large becomes as large as it is told, in topics of one partition. */
export class SizeWorld {
  readonly id: string
  readonly log: LogPort & LogClient
  readonly app: App
  /** Until it is true turns of `replay` fail. */
  repaired = false
  readonly #names

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
    const onError = { attempts: 1, then: 'dead-letter' } as const
    const box = stateObject('box', {
      state: z.object({ pad: z.string(), row: z.string() }),
      init: () => ({ pad: '', row: '' }),
    })
      .on(
        orders.filter(({ way }) => way !== 'hop'),
        { key: ({ way, n }) => `${way}${n}`, onError },
        (state, value, turn) => {
          const { way, n, bytes } = value
          if (way === 'replay' && !this.repaired) throw new Error('not yet')
          if (way === 'emit') turn.emit(out, sized(n, bytes))
          if (way === 'state') state.pad = sized(n, bytes)
          if (way === 'row') state.row = sized(n, bytes)
          if (way === 'replay') turn.emit(seen, sized(n, 10))
        },
      )
      .on(
        orders.filter(({ way }) => way === 'hop'),
        { key: ({ n }) => `hop${n}`, route: 'shuffle', onError },
        (_state, { n }, turn) => {
          turn.emit(seen, sized(n, 10))
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
      flow: copies.name,
      send: sent.name,
      replay: inboxTopic(this.id, 'box'),
    }
    return names[way]
  }

  /** Makes the topic of a way beforehand, as the app would but for its limit. */
  async limit(way: Way, maxMessageBytes: number): Promise<void> {
    const compacted =
      way === 'state' ? { 'cleanup.policy': 'compact' } : { 'cleanup.policy': 'delete', 'retention.ms': '-1' }
    const configs = { ...compacted, 'retention.bytes': '-1', 'max.message.bytes': String(maxMessageBytes) }
    await this.log.admin.create([{ name: this.topicOf(way), partitions: 1, replicationFactor: -1, configs }])
  }

  async start(): Promise<void> {
    const own = Object.values(this.#names).map(({ name }) => ({
      name,
      partitions: 1,
      replicationFactor: -1,
      configs: {
        'retention.ms': '-1',
        ...(name.endsWith('orders') || name.endsWith('plain') ? { 'max.message.bytes': '20000000' } : {}),
      },
    }))
    await this.log.admin.create(own)
    await this.app.start()
  }

  /** Lets values of these sizes go their way, in one commit if that can be, and waits until all are where they belong. */
  async carry(way: Way, sizes: readonly number[]): Promise<void> {
    const { orders, plain, sent } = this.#names
    if (way === 'send')
      await this.log.send(
        sent,
        sizes.map((bytes, n) => sized(n, bytes)),
      )
    else if (way === 'flow')
      await this.log.send(
        plain,
        sizes.map((bytes, n) => sized(n, bytes)),
      )
    else if (way === 'refused')
      await this.log.send(
        topic(orders.name, text()),
        sizes.map((bytes, n) => sized(n, bytes)),
      )
    else {
      const isLarge = way === 'hop' || way === 'replay'
      await this.log.send(
        orders,
        sizes.map((bytes, n) => ({ way, n, bytes, pad: isLarge ? 'x'.repeat(bytes) : '' })),
      )
    }
    await this.app.drained()
    if (way !== 'replay') return
    this.repaired = true
    await replayDeadLetters({ id: this.id, log: this.log, logger: silentLogger })
    await this.app.drained()
  }

  /** The numbers of the values that have arrived, in order. */
  async arrived(way: Way): Promise<number[]> {
    const place = way === 'hop' || way === 'replay' ? this.#names.seen.name : this.topicOf(way)
    const found: number[] = []
    for await (const { value, record } of this.log.read(topic(place, text()))) {
      if (
        value === null ||
        (way === 'refused' &&
          Buffer.from(record.headers.get('millrace.error.code') ?? []).toString() !== 'VALUE_INVALID')
      )
        continue
      if (way !== 'state') found.push(numberOf(value))
      else if (value.includes('"pad":"')) found.push(Number(/"pad":"(\d+) /.exec(value)?.[1]))
    }
    return found
  }

  /** Codes of the dead letters. */
  async letters(): Promise<string[]> {
    const codes: string[] = []
    for await (const { record } of this.log.read(topic(deadLetterTopic(this.id), text())))
      codes.push(Buffer.from(record.headers.get('millrace.error.code') ?? []).toString())
    return codes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close()
  }
}

export const internalTopics = (id: string): string[] => [
  inboxTopic(id, 'box'),
  deadLetterTopic(id),
  timerTopic(id),
  changelogTopic(id, 'box'),
]
