import { systemClock } from '../../core/clock.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { batchBuilder } from '../batch-builder.js'
import { logClient, type ClientTopic, type ReadRecord } from './client.js'
import { partitionOfKey } from '../murmur2.js'
import type { CommitChannel, LogPort } from '../port.js'

const words: ClientTopic<string> = {
  name: 'words',
  codec: { encode: String, decode: (bytes) => Buffer.from(bytes).toString() },
}

let log: MemoryLog
beforeEach(() => {
  log = memoryLog()
})
afterEach(() => log[Symbol.asyncDispose]())

async function newTopic(partitions = 3): Promise<void> {
  await log.admin.create([{ name: 'words', partitions, replicationFactor: -1, configs: {} }])
}

async function readAll(port: LogPort = log): Promise<ReadRecord<string>[]> {
  const records: ReadRecord<string>[] = []
  for await (const record of logClient(port, systemClock).read(words)) records.push(record)
  return records
}

async function* slowly(values: Iterable<string>): AsyncGenerator<string> {
  for (const value of values) {
    await systemClock.breathe()
    yield value
  }
}

it('reads back what it has sent, by key where Java would put it', async () => {
  await newTopic()
  const values = Array.from({ length: 500 }, (_, index) => `word ${index}`)
  const headers = new Map([['source', Buffer.from('test')]])
  await logClient(log, systemClock).send(words, values, {
    key: (value) => value.slice(5),
    timestamp: () => 77,
    headers: () => headers,
  })

  const records = await readAll()
  expect(records.map(({ value }) => value).sort()).toEqual([...values].sort())
  for (const { key, value, record } of records) {
    expect(value).toBe(`word ${key}`)
    expect(record).toMatchObject({ topic: 'words', partition: partitionOfKey(key!, 3), timestamp: 77, key })
    expect(Buffer.from(record.headers.get('source')!).toString()).toBe('test')
  }
})

it('keeps the order of a key over many batches', async () => {
  await newTopic(2)
  const values = Array.from({ length: 3000 }, (_, index) => `${index}`.padEnd(600))
  await logClient(log, systemClock).send(words, slowly(values), { key: () => 'one key' })
  expect((await readAll()).map(({ value }) => value)).toEqual(values)
})

it('spreads records without a key over all partitions', async () => {
  await newTopic(3)
  await logClient(log, systemClock).send(
    words,
    Array.from({ length: 200 }, () => 'x'.repeat(500)),
  )
  const partitions = new Set((await readAll()).map(({ record }) => record.partition))
  expect([...partitions].sort()).toEqual([0, 1, 2])
})

it('reads only what was committed when it was called', async () => {
  await newTopic(1)
  const client = logClient(log, systemClock)
  await client.send(words, ['before'])
  const reading = client.read(words)
  await systemClock.breathe()
  await log.admin.endOffsets([{ topic: 'words', partition: 0 }], 'committed')
  await client.send(words, ['after'])
  const values: unknown[] = []
  for await (const { value } of reading) values.push(value)
  expect(values).toEqual(['before'])
})

it('reads tombstones as null, and steps over aborted transactions', async () => {
  await newTopic(1)
  const at = { topic: 'words', partition: 0 }
  const channel = await log.transactions({ id: 'writer', timeoutMs: 60_000 })
  for (const [key, outcome] of [
    ['dropped', 'abort'],
    ['kept', 'commit'],
  ] as const) {
    const builder = batchBuilder()
    builder.add(key, null, 1)
    await channel.begin([at], undefined)
    await channel.append(at, builder.finish())
    await channel[outcome]()
  }
  expect((await readAll()).map(({ key, value }) => [key, value])).toEqual([['kept', null]])
})

it('ends at once when there is nothing', async () => {
  await newTopic()
  await logClient(log, systemClock).send(words, [])
  expect(await readAll()).toEqual([])
})

it('names a topic that does not exist, to writers and readers', async () => {
  const client = logClient(log, systemClock)
  await expect(client.send(words, ['x'])).rejects.toMatchObject({ code: 'TOPIC_MISSING', topic: 'words' })
  await expect(readAll()).rejects.toMatchObject({ code: 'TOPIC_MISSING', topic: 'words' })
})

it('says where a value is that its codec cannot read', async () => {
  await newTopic(1)
  const client = logClient(log, systemClock)
  await client.send(words, ['good', 'bad'])
  const decode = (bytes: Uint8Array): string => {
    if (bytes[0] === 98) throw new Error('no such word')
    return 'good'
  }
  const reading = client.read({ name: 'words', codec: { ...words.codec, decode } })
  const read = async (): Promise<void> => {
    for await (const { value } of reading) expect(value).toBe('good')
  }
  await expect(read()).rejects.toMatchObject({ code: 'VALUE_INVALID', topic: 'words', partition: 0, offset: 1 })
})

it('closes its fetcher when the reader stops early', async () => {
  await newTopic(1)
  let open = 0
  const watched = overriding(log, {
    fetcher: (options) => {
      const fetcher = log.fetcher(options)
      open++
      return overriding(fetcher, {
        [Symbol.asyncDispose]: () => fetcher[Symbol.asyncDispose]().then(() => void open--),
      })
    },
  })
  await logClient(log, systemClock).send(words, ['one', 'two'])
  for await (const { value } of logClient(watched, systemClock).read(words)) {
    expect([value, open]).toEqual(['one', 1])
    break
  }
  expect(open).toBe(0)
})

describe('a send that fails', () => {
  it.each(['append', 'commit'] as const)('rejects with what %s failed with, and closes its channel', async (step) => {
    await newTopic(1)
    let closed = 0
    const failing = overriding(log, {
      idempotent: async () => {
        const channel = await log.idempotent()
        return overriding<CommitChannel>(channel, {
          [step]: () => Promise.reject(new Error(`${step} failed`)),
          [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose]().then(() => void closed++),
        })
      },
    })
    const values = slowly(Array.from({ length: 50 }, () => 'x'.repeat(100_000)))
    await expect(logClient(failing, systemClock).send(words, values)).rejects.toThrow(`${step} failed`)
    expect(closed).toBe(1)
  })

  it('rejects although the only batch was the last', async () => {
    await newTopic(1)
    const failing = overriding(log, {
      idempotent: async () =>
        overriding<CommitChannel>(await log.idempotent(), { append: () => Promise.reject(new Error('refused')) }),
    })
    await expect(logClient(failing, systemClock).send(words, ['one'])).rejects.toThrow('refused')
  })

  it('passes on what the values throw, after what it had sent is answered', async () => {
    await newTopic(1)
    const broken = (function* () {
      yield 'x'.repeat(300_000)
      throw new Error('source is gone')
    })()
    await expect(logClient(log, systemClock).send(words, broken)).rejects.toThrow('source is gone')
    expect(await readAll()).toHaveLength(1)
  })
})

it('does not wait for a full batch when values come slowly', async () => {
  await newTopic(1)
  const client = logClient(log, systemClock)
  const arrived = async (): Promise<void> => {
    while ((await readAll()).length === 0) await systemClock.breathe()
  }
  const values = (async function* () {
    yield 'first'
    await arrived()
  })()
  await client.send(words, values)
  expect(await readAll()).toHaveLength(1)
})

describe('appends under way', () => {
  let under = 0
  let most = 0
  let atTheEnd: number[] = []
  let counting: LogPort

  beforeEach(() => {
    under = most = 0
    atTheEnd = []
    counting = overriding<LogPort>(log, {
      idempotent: async () => {
        const channel = await log.idempotent()
        const append: CommitChannel['append'] = async (at, batch) => {
          most = Math.max(most, ++under)
          const appended = await channel.append(at, batch)
          await systemClock.breathe()
          under--
          return appended
        }
        const noting = (end: () => PromiseLike<void>) => async (): Promise<void> => {
          atTheEnd.push(under)
          await end()
        }
        const commit = noting(() => channel.commit())
        return overriding<CommitChannel>(channel, {
          append,
          commit,
          [Symbol.asyncDispose]: noting(() => channel[Symbol.asyncDispose]()),
        })
      },
    })
  })

  it('are never more than a handful', async () => {
    await newTopic(1)
    await logClient(counting, systemClock).send(
      words,
      Array.from({ length: 40 }, () => 'x'.repeat(300_000)),
    )
    expect(await readAll()).toHaveLength(40)
    expect(most).toBeLessThanOrEqual(8)
  })

  it('are all answered before the commit', async () => {
    await newTopic(1)
    await logClient(counting, systemClock).send(words, ['one'])
    expect(atTheEnd).toEqual([0])
  })

  it('are all answered before the channel is closed because the values threw', async () => {
    await newTopic(1)
    const broken = (function* () {
      yield 'x'.repeat(300_000)
      throw new Error('source is gone')
    })()
    await expect(logClient(counting, systemClock).send(words, broken)).rejects.toThrow('source is gone')
    expect(atTheEnd).toEqual([0])
  })
})

/** The same object but for some methods; the others keep their `this`. */
function overriding<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (name in methods) return methods[name as keyof T]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

it.each<[string, unknown]>([
  ['undefined', undefined],
  ['null', null],
  ['a name', 'words'],
  ['an object', {}],
  ['one without a codec', { name: 'words' }],
  ['one without a name', { name: '', codec: words.codec }],
])('takes no topic for one: %s', async (_what, target) => {
  const client = logClient(log, systemClock)
  await expect(client.send(target as never, [])).rejects.toMatchObject({ code: 'OPTIONS_INVALID' })
  // This one makes the topic when there is none.
  await expect(log.send(target as never, [])).rejects.toThrow(/^send: .* is no topic; give one/)
  await expect(log.send(words, ['a word'])).resolves.toEqual({ token: expect.stringMatching(/^mr1\./) as string })
  expect(() => client.read(target as never)).toThrow(/^read: .* is no topic; give one/)
  expect(await log.admin.list('')).toEqual(['words'])
})

it.each<[string, unknown]>([
  ['undefined', undefined],
  ['null', null],
  ['a number', 5],
  ['one text in the place of several', 'a word'],
  ['an object', { word: 'a' }],
])('sends nothing of what are no values: %s', async (_what, values) => {
  await newTopic()
  const sent = logClient(log, systemClock).send(words, values as never)
  await expect(sent).rejects.toThrow(/^send to words: the values are .*; give a list of values/)
  expect(await readAll()).toEqual([])
})

describe('producers of sends', () => {
  const opened: CommitChannel[] = []
  const counting = (): LogPort => {
    opened.length = 0
    return Object.assign(Object.create(log) as LogPort, {
      idempotent: async () => {
        const channel = await log.idempotent()
        opened.push(channel)
        return channel
      },
    })
  }

  it('are taken by the sends that come later', async () => {
    await newTopic(1)
    const { send } = logClient(counting(), systemClock)
    for (const word of ['a', 'b', 'c']) await send(words, [word])
    expect(opened).toHaveLength(1)
    expect((await readAll()).map(({ value }) => value)).toEqual(['a', 'b', 'c'])
  })

  it('are of one send at a time', async () => {
    await newTopic(1)
    const { send } = logClient(counting(), systemClock)
    const all = Array.from({ length: 7 }, (_, i) => String(i))
    await Promise.all(all.map((word) => send(words, slowly([word]))))
    expect(opened).toHaveLength(7)
    await Promise.all(all.slice(0, 4).map((word) => send(words, slowly([word]))))
    expect(opened).toHaveLength(7)
    expect((await readAll()).map(({ value }) => value).sort()).toEqual([...all, ...all.slice(0, 4)].sort())
  })

  it('are not used again when something has failed', async () => {
    await newTopic(1)
    const { send } = logClient(counting(), systemClock)
    await expect(send(words, ['a', 'x'.repeat(2_000_000)])).rejects.toThrow(/value 1 of those sent/)
    await send(words, ['b'])
    expect(opened).toHaveLength(2)
    expect((await readAll()).map(({ value }) => value)).toEqual(['a', 'b'])
  })
})
