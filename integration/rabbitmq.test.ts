import type { Options } from 'amqplib'
import { createApp, memoryLog, sink, source, stateObject, text, topic, type App } from 'millrace'
import type { SinkPartition, SinkRecord, SourceBatch, SourceConnector } from 'millrace/connect'
import { rabbitmqSink, rabbitmqSource, type RabbitmqSinkOptions } from 'millrace/rabbitmq'
import { z } from 'zod'
import { silentLogger } from '../lib/core/logger.js'
import { memoryLog as openMemoryLog } from '../lib/memory/memory-log.js'
import { readAll } from '../test/reading.js'
import { until } from '../test/source-world.js'
import { nextName } from './names.js'
import { OwnRabbitmq } from './setup/own-rabbitmq.js'

let server: OwnRabbitmq
beforeAll(async () => {
  server = await OwnRabbitmq.start()
})
afterAll(async () => await server.remove())

async function newQueue(): Promise<string> {
  const queue = nextName('queue')
  await server.declare(queue)
  return queue
}

async function send(queue: string, ...messages: readonly (readonly [content: string, options?: Options.Publish])[]) {
  await server.with(async (channel) => {
    for (const [content, options] of messages) channel.sendToQueue(queue, Buffer.from(content), options)
    // Answered when what was sent before it is in the queue.
    await channel.checkQueue(queue)
  })
}

const depth = async (queue: string): Promise<number> =>
  await server.with(async (channel) => (await channel.checkQueue(queue)).messageCount)

const succeeds = async (work: unknown): Promise<boolean> =>
  await Promise.resolve(work).then(
    () => true,
    () => false,
  )

const opened = (from: SourceConnector, queue: string) => {
  const stop = new AbortController()
  const context = { source: 's', partition: queue, position: undefined, signal: stop.signal, logger: silentLogger }
  const all = from.open(context)[Symbol.asyncIterator]()
  // The batch that says that it reads has no messages.
  const next = async (): Promise<IteratorResult<SourceBatch>> => {
    const result = await all.next()
    return result.done === true || result.value.records.length > 0 ? result : await next()
  }
  return { stop, all, iterator: { next, return: () => all.return?.() } }
}

const texts = ({ records }: SourceBatch): string[] => records.map(({ bytes }) => Buffer.from(bytes ?? []).toString())

describe('a source of RabbitMQ', () => {
  it('acknowledges what is committed, and the rest comes again to whoever reads next', async () => {
    const queue = await newQueue()
    await send(queue, ['a'], ['b'], ['c'])
    const from = rabbitmqSource({ url: server.url, queue, prefetch: 4 })
    const first = opened(from, queue)
    const batch = (await first.iterator.next()).value as SourceBatch
    await batch.ack?.(new Map())
    const taken = texts(batch)
    first.stop.abort()
    await first.iterator.return?.()
    const second = opened(from, queue)
    const again: string[] = []
    while (taken.length + again.length < 3) again.push(...texts((await second.iterator.next()).value as SourceBatch))
    expect([...taken, ...again]).toEqual(['a', 'b', 'c'])
    // Not acknowledged: they are all back when it has let go.
    await second.iterator.return?.()
    expect(await depth(queue)).toBe(again.length)
  })

  it('says that it reads, also when no message comes', async () => {
    const queue = await newQueue()
    const { all } = opened(rabbitmqSource({ url: server.url, queue }), queue)
    expect(await all.next()).toEqual({ done: false, value: { records: [] } })
    await all.return?.()
  })

  it('acknowledges a batch that is committed while it ends', async () => {
    const queue = await newQueue()
    await send(queue, ['a'])
    const { stop, iterator } = opened(rabbitmqSource({ url: server.url, queue }), queue)
    const batch = (await iterator.next()).value as SourceBatch
    stop.abort()
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    const ended = iterator.return?.()
    await batch.ack?.(new Map())
    await ended
    expect(await depth(queue)).toBe(0)
  })

  it('has no more messages in memory than prefetch says', async () => {
    const queue = await newQueue()
    await send(queue, ...Array.from({ length: 20 }, (_, n) => [String(n)] as const))
    const { iterator } = opened(rabbitmqSource({ url: server.url, queue, prefetch: 6 }), queue)
    const batches = [(await iterator.next()).value as SourceBatch]
    while (batches.flatMap(texts).length < 6) batches.push((await iterator.next()).value as SourceBatch)
    await until(async () => (await depth(queue)) === 14)
    for (const batch of batches) await batch.ack?.(new Map())
    expect(texts((await iterator.next()).value as SourceBatch)[0]).toBe('6')
    await iterator.return?.()
  })

  it('makes a queue that is not there, where it is told to', async () => {
    const queue = nextName('made')
    const { iterator, stop } = opened(rabbitmqSource({ url: server.url, queue, declare: {} }), queue)
    const next = iterator.next()
    await until(async () => await succeeds(depth(queue)))
    stop.abort()
    expect(await next).toMatchObject({ done: true })
    await iterator.return?.()
  })

  it.each<[string, (url: string) => string, string]>([
    ['a wrong password', (url) => url.replace(':guest@', ':s3cr3t@'), 'ACCESS_REFUSED'],
    ['an unknown vhost', (url) => `${url}/nowhere`, "vhost 'nowhere': the server refuses the vhost"],
    ['a queue that is not there', (url) => url, "NOT_FOUND - no queue 'nothing'"],
    ['a port where nobody listens', () => 'amqp://me:s3cr3t@127.0.0.1:1', 'ECONNREFUSED 127.0.0.1:1'],
    ['a host that there is not', () => 'amqp://me:s3cr3t@host.invalid', 'ENOTFOUND host.invalid'],
    ['TLS where there is none', (url) => url.replace('amqp:', 'amqps:'), 'wrong version number'],
  ])('says what is wrong with %s, without the password', async (_what, url, message) => {
    const { iterator } = opened(rabbitmqSource({ url: url(server.url), queue: 'nothing' }), 'nothing')
    const error: unknown = await iterator.next().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'CONNECTOR_FAILED', message: expect.stringContaining(message) })
    expect((error as Error).message).not.toContain('s3cr3t')
  })

  it.each<[string, (queue: string) => Promise<unknown>, string]>([
    ['the queue is deleted', (queue) => server.ctl('delete_queue', queue), 'the queue was deleted'],
    ['all connections are closed', () => server.ctl('close_all_connections', 'for a test'), 'for a test'],
  ])('throws when %s, and reads on when it is opened again', async (_what, lose, message) => {
    const queue = await newQueue()
    const from = rabbitmqSource({ url: server.url, queue })
    await send(queue, ['a'])
    const first = opened(from, queue)
    const batch = (await first.iterator.next()).value as SourceBatch
    const next = first.iterator.next()
    await Promise.all([
      expect(next).rejects.toMatchObject({ code: 'CONNECTOR_FAILED', message: expect.stringContaining(message) }),
      lose(queue),
    ])
    expect(() => batch.ack?.(new Map())).toThrow(message)
    await server.declare(queue)
    await send(queue, ['b'])
    const second = opened(from, queue)
    const found: string[] = []
    while (!found.includes('b')) found.push(...texts((await second.iterator.next()).value as SourceBatch))
    await second.iterator.return?.()
  })

  it('throws when nothing comes from the server any more, and does not wait for it', async () => {
    const queue = await newQueue()
    const { port } = new URL(server.url)
    const url = { hostname: '127.0.0.1', port: Number(port), heartbeat: 1 }
    const { iterator } = opened(rabbitmqSource({ url, queue }), queue)
    await send(queue, ['a'])
    await iterator.next()
    server.freeze()
    try {
      await expect(iterator.next()).rejects.toThrow('Heartbeat timeout')
    } finally {
      server.thaw()
    }
  })
})

const record = (offset: number, more: Partial<SinkRecord> = {}): SinkRecord => ({
  key: `k${offset}`,
  value: null,
  bytes: Buffer.from(`${offset}`),
  offset,
  timestamp: 1_700_000_000_000,
  headers: new Map(),
  ...more,
})

const records = (from: number, to: number): SinkRecord[] =>
  Array.from({ length: to - from }, (_, n) => record(from + n))
const batchOf = (all: readonly SinkRecord[]) => ({
  topic: 't',
  partition: 0,
  records: all,
  nextOffset: (all.at(-1)?.offset ?? 0) + 1,
})

async function openSink(options: Omit<RabbitmqSinkOptions, 'url'>, signal = new AbortController().signal) {
  const to = rabbitmqSink({ url: server.url, ...options })
  return (await to.open({
    sink: 's',
    topic: 't',
    partition: 0,
    signal,
    logger: silentLogger,
  })) as Required<SinkPartition>
}

describe('a sink of RabbitMQ', () => {
  it('sends records with an id by which they are known again', async () => {
    const queue = await newQueue()
    const partition = await openSink({ queue })
    const headers = new Map([['trace', Buffer.from('abc')]])
    await partition.write(batchOf([record(7, { headers }), record(8, { bytes: null })]))
    await partition.close()
    const [first, tombstone] = await server.drain(queue)
    expect(first?.content.toString()).toBe('7')
    expect(first?.properties).toMatchObject({ messageId: 't-0-7', deliveryMode: 2, timestamp: 1_700_000_000 })
    expect(first?.properties.headers).toEqual({ trace: 'abc' })
    expect(tombstone?.content).toHaveLength(0)
    expect(tombstone?.properties.headers).toEqual({ 'millrace.tombstone': true })
  })

  it('sends more than its buffers hold, and large messages', async () => {
    const queue = await newQueue()
    const partition = await openSink({ queue })
    const large = record(0, { bytes: Buffer.alloc(3_000_000, 'x') })
    await partition.write(batchOf([large, ...records(1, 5_000)]))
    await partition.close()
    const messages = await server.drain(queue)
    expect(messages.map(({ properties }) => properties.messageId)).toEqual(
      records(0, 5_000).map(({ offset }) => `t-0-${offset}`),
    )
    expect(messages[0]?.content).toHaveLength(3_000_000)
  })

  it('refuses records that no queue takes, and does not send the others again', async () => {
    const queue = await newQueue()
    const partition = await openSink({
      exchange: '',
      routingKey: ({ offset }) => (offset % 3 === 1 ? 'nowhere' : queue),
    })
    const error: unknown = await Promise.resolve(partition.write(batchOf(records(0, 6)))).catch(
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ name: 'SinkRefused' })
    const refused = (error as { records: ReadonlyMap<number, string> }).records
    expect([...refused.keys()]).toEqual([1, 4])
    expect(refused.get(1)).toContain(
      "no queue takes messages to the default exchange with routing key 'nowhere' (NO_ROUTE)",
    )
    await partition.write(batchOf(records(0, 6).filter(({ offset }) => !refused.has(offset))))
    await partition.close()
    expect((await server.drain(queue)).map(({ content }) => content.toString())).toEqual(['0', '2', '3', '5'])
  })

  it('lets the server drop what no queue takes, where it is told to', async () => {
    const partition = await openSink({ exchange: '', routingKey: 'nowhere', mandatory: false })
    expect(await succeeds(partition.write(batchOf(records(0, 3))))).toBe(true)
    await partition.close()
  })

  it('refuses records of which no message can be made', async () => {
    const queue = await newQueue()
    const partition = await openSink({
      exchange: '',
      routingKey: ({ key }) => (key === 'k1' ? 'x'.repeat(300) : queue),
    })
    const wide = record(2, { headers: new Map([['h', Buffer.alloc(100_000, 'x')]]) })
    const written = partition.write(batchOf([record(0), record(1), wide]))
    await expect(written).rejects.toMatchObject({
      records: new Map([
        [1, expect.stringContaining('routing key is longer than 255 bytes')],
        [2, expect.stringContaining('exceeds')],
      ]),
    })
    await partition.close()
    expect(await server.drain(queue)).toHaveLength(1)
  })

  it('fails while a queue is full, and then sends what is missing, once', async () => {
    const queue = nextName('full')
    const declare = { arguments: { 'x-max-length': 3, 'x-overflow': 'reject-publish' } }
    const partition = await openSink({ queue, declare })
    await expect(partition.write(batchOf(records(0, 5)))).rejects.toMatchObject({
      code: 'CONNECTOR_FAILED',
      message: expect.stringContaining('nack'),
    })
    const before = await server.drain(queue)
    await partition.write(batchOf(records(0, 5)))
    await partition.close()
    const all = [...before, ...(await server.drain(queue))].map(({ content }) => content.toString())
    expect(all.sort()).toEqual(['0', '1', '2', '3', '4'])
  })

  it('cannot be opened without its exchange', async () => {
    await expect(openSink({ exchange: 'nothing' })).rejects.toMatchObject({
      code: 'CONNECTOR_FAILED',
      message: expect.stringContaining("NOT_FOUND - no exchange 'nothing'"),
    })
  })

  it('sends on when all connections were closed', async () => {
    const queue = await newQueue()
    const partition = await openSink({ queue })
    await partition.write(batchOf(records(0, 10)))
    await server.ctl('close_all_connections', 'for a test')
    await until(async () => await succeeds(partition.write(batchOf(records(10, 20)))))
    await partition.close()
    expect(await idsIn(queue)).toBe(20)
  })

  it('sends on when its exchange was deleted and made anew', async () => {
    const [queue, exchange] = [await newQueue(), nextName('exchange')]
    const make = async (): Promise<void> =>
      await server.with(async (channel) => {
        await channel.assertExchange(exchange, 'fanout')
        await channel.bindQueue(queue, exchange, '')
      })
    await make()
    const partition = await openSink({ exchange })
    await partition.write(batchOf(records(0, 10)))
    await server.with(async (channel) => await channel.deleteExchange(exchange))
    await expect(partition.write(batchOf(records(10, 20)))).rejects.toThrow(`no exchange '${exchange}'`)
    await make()
    await partition.write(batchOf(records(10, 20)))
    await partition.close()
    expect(await idsIn(queue)).toBe(20)
  })

  it('refuses nothing while its queue is gone', async () => {
    const queue = await newQueue()
    const partition = await openSink({ queue })
    await server.ctl('delete_queue', queue)
    await expect(partition.write(batchOf(records(0, 10)))).rejects.toThrow(`there is no queue '${queue}' any more`)
    await expect(partition.write(batchOf(records(0, 10)))).rejects.toThrow(`NOT_FOUND - no queue '${queue}'`)
    await server.declare(queue)
    await partition.write(batchOf(records(0, 10)))
    await partition.close()
    expect(await idsIn(queue)).toBe(10)
  })

  it('does not wait for a server that takes nothing, once it is to stop', async () => {
    const queue = await newQueue()
    const stop = new AbortController()
    const partition = await openSink({ queue }, stop.signal)
    await partition.write(batchOf(records(0, 1)))
    server.freeze()
    try {
      const written = partition.write(batchOf(records(1, 2)))
      stop.abort()
      await expect(written).rejects.toThrow('it stops')
      await partition.close()
    } finally {
      server.thaw()
    }
  })
})

const idsIn = async (queue: string): Promise<number> =>
  new Set((await server.drain(queue)).map(({ properties }) => properties.messageId as string)).size

const order = z.object({ id: z.string(), amount: z.number() })

describe('an app with queues', () => {
  const orders = topic('orders', order)
  const totals = topic('totals', z.object({ total: z.number() }))
  const customer = stateObject('customer', { state: z.object({ total: z.number() }), init: () => ({ total: 0 }) }).on(
    orders,
    ({ id }) => id,
    (state, { amount }, turn) => {
      state.total += amount
      turn.emit(totals, { total: state.total })
    },
  )

  async function running<T>(
    queues: { in: string; out: string },
    act: (app: App, log: ReturnType<typeof memoryLog>) => Promise<T>,
  ) {
    const log = memoryLog()
    const from = rabbitmqSource({ url: server.url, queue: queues.in })
    const to = rabbitmqSink({ url: server.url, queue: queues.out })
    await using app = createApp({
      id: 'app',
      log,
      createTopics: true,
      logger: silentLogger,
      objects: [customer],
      sources: [source('orders', { into: orders, from, key: ({ id }) => id, backoff: '20ms', maxBackoff: '100ms' })],
      sinks: [sink('totals', { from: totals, to, backoff: '20ms', maxBackoff: '100ms' })],
    })
    await app.start()
    return await act(app, log)
  }

  it('reads from one and writes to the other', async () => {
    const queues = { in: await newQueue(), out: await newQueue() }
    const message = (amount: number) => [JSON.stringify({ id: 'a', amount }), { messageId: `m${amount}` }] as const
    await send(queues.in, message(1), message(2), message(2), message(4))
    await running(queues, async () => await until(async () => (await depth(queues.out)) === 3))
    const sent = (await server.drain(queues.out)).map(({ content }) => JSON.parse(content.toString()) as unknown)
    // The message that came twice was taken once.
    expect(sent).toEqual([{ total: 1 }, { total: 3 }, { total: 7 }])
    expect(await depth(queues.in)).toBe(0)
  })

  it('is one of several that share a queue, where they all read it', async () => {
    const queue = await newQueue()
    const log = openMemoryLog()
    const from = rabbitmqSource({ url: server.url, queue, prefetch: 4, everywhere: true })
    const appOf = (): App =>
      createApp({
        id: 'shared',
        log: log.open(),
        createTopics: true,
        logger: silentLogger,
        sources: [source('orders', { into: orders, from })],
      })
    await using first = appOf()
    await using second = appOf()
    await Promise.all([first.start(), second.start()])
    const taken = (app: App): number => app.stats().connectors[0]?.records ?? 0
    const consumers = async (): Promise<number> =>
      await server.with(async (channel) => (await channel.checkQueue(queue)).consumerCount)
    await until(async () => (await consumers()) === 2)
    const amounts = Array.from({ length: 100 }, (_, amount) => amount)
    await send(queue, ...amounts.map((amount) => [JSON.stringify({ id: 'a', amount })] as const))
    await until(() => taken(first) + taken(second) === 100)
    expect(Math.min(taken(first), taken(second))).toBeGreaterThan(0)
    const found = (await readAll(log, orders)).map(({ value }) => value!.amount)
    expect(found.toSorted((a, b) => a - b)).toEqual(amounts)
  })

  it('takes what is good, and finds again as dead letters what is not', async () => {
    const queues = { in: await newQueue(), out: await newQueue() }
    const good = JSON.stringify({ id: 'a', amount: 1 })
    const odd = {
      nested: { deep: [{ at: { '!': 'timestamp', value: 5 }, bytes: Buffer.from('x') }] },
      bytes: Buffer.from([0xff, 0]),
      number: 1.5,
      nothing: null,
      'amqp.type': 'feigned',
      ['n'.repeat(255)]: 'long',
    }
    const bad: readonly (readonly [string, string, Options.Publish])[] = [
      ['no JSON', '{', { messageId: 'garbage' }],
      ['nothing', '', { messageId: 'empty' }],
      ['not of the schema', '{"id":7}', {}],
      ['bytes', '\u0000\ufffd', {}],
      ['too large for the topic', JSON.stringify({ id: 'x'.repeat(2_000_000), amount: 1 }), { messageId: 'huge' }],
    ]
    await send(
      queues.in,
      ...bad.map(([, content, options]) => [content, options] as const),
      [good],
      [
        good,
        { headers: odd, messageId: '', contentType: 'x'.repeat(255), timestamp: 2 ** 53, type: 'é', priority: 255 },
      ],
      [good, { messageId: 'i'.repeat(255) }],
    )
    await running(queues, async (app, log) => {
      await until(async () => (await depth(queues.out)) === 3)
      await until(() => app.stats().connectors[0]?.deadLetters === bad.length)
      await until(async () => (await depth(queues.in)) === 0)
      const letters = await readAll(log, topic('app-dlq', text()))
      expect(app.health().connectors[0]).toMatchObject({ state: 'running' })
      expect(letters).toHaveLength(bad.length)
      const [, rich] = await readAll(log, orders)
      expect(rich?.headers).toMatchObject({ nested: '{"deep":[{"at":5,"bytes":"eA=="}]}', number: '1.5' })
    })
  })

  it('says what is wrong with the server while it tries again, and goes on', async () => {
    const queues = { in: nextName('later'), out: await newQueue() }
    await running(queues, async (app) => {
      await until(() => app.health().connectors[0]?.reason?.includes(`no queue '${queues.in}'`) === true)
      expect(app.health().connectors[0]).toMatchObject({ state: 'retrying' })
      await server.declare(queues.in)
      await send(queues.in, [JSON.stringify({ id: 'a', amount: 1 })])
      await until(async () => (await depth(queues.out)) === 1)
      expect(app.health().connectors[0]).toMatchObject({ state: 'running' })
    })
  })
})
