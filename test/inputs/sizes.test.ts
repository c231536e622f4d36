import { memoryLog, type MemoryLog } from '../../lib/memory/memory-log.js'
import fc from 'fast-check'
import { z } from 'zod'
import { untilGivenUp } from '../given-up.js'
import { text } from '../../lib/codec/codec.js'
import type { MillraceError } from '../../lib/core/errors.js'
import type { LogAdmin, TopicInfo } from '../../lib/log/port.js'
import { misfit } from '../../lib/log/record-size.js'
import { stateObject } from '../../lib/model/state-object.js'
import { topic } from '../../lib/model/stream.js'
import type { Turn } from '../../lib/model/turn.js'
import { tumbling } from '../../lib/model/window.js'
import { testDriver, type TestDriver } from '../../lib/testing/driver.js'
import { withAdmin } from '../with-admin.js'
import { SizeWorld, ways, type Way } from './size-world.js'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

describe.each(ways)('values that go by way of %s', (way: Way) => {
  it('arrive where two of them would make a batch too large', async () => {
    await using world = new SizeWorld('app', memoryLog({ partitions: 1 }))
    await world.start()
    await world.carry(way, [600_000, 600_000, 600_000])
    expect(await world.arrived(way)).toEqual([0, 1, 2])
  })

  it('arrive in a topic that takes small batches only', async () => {
    await using world = new SizeWorld('app', memoryLog({ partitions: 1 }))
    await world.limit(way, 100_000)
    await world.start()
    await world.carry(
      way,
      Array.from({ length: 1_000 }, () => 1_000),
    )
    expect(await world.arrived(way)).toEqual(numbers(1_000))
  })

  it('arrive where the limit of a topic is lowered while the app runs', async () => {
    const log = memoryLog({ partitions: 1 })
    await using world = new SizeWorld('app', log)
    await world.start()
    await log.configure(world.topicOf(way), { 'max.message.bytes': '20000' })
    await world.carry(
      way,
      Array.from({ length: 100 }, () => 1_000),
    )
    expect(await world.arrived(way)).toEqual(numbers(100))
  })
})

describe.each(['hop', 'refused', 'retry', 'replay'] as const)(
  'values of 3 MB that their source has packed, by way of %s',
  (way) => {
    it('arrive, although no topic takes as much', async () => {
      await using world = new SizeWorld('app', memoryLog({ partitions: 1 }))
      await world.start(1_048_588)
      await world.carryPacked(way, [3_000_000, 3_000_000])
      expect(await world.arrived(way)).toEqual([0, 1])
    })

    it('arrive where topics of the app were made with less room', async () => {
      await using world = new SizeWorld('app', memoryLog({ partitions: 1 }))
      for (const each of ['hop', 'refused', 'retry'] as const) await world.limit(each, 1_048_588)
      await world.start(1_048_588)
      await world.carryPacked(way, [3_000_000, 3_000_000])
      expect(await world.arrived(way)).toEqual([0, 1])
    })
  },
)

describe.each(['hop', 'refused', 'retry', 'replay'] as const)(
  'the largest value that a source takes, by way of %s',
  (way) => {
    it('arrives', async () => {
      await using world = new SizeWorld('app', memoryLog({ partitions: 1 }))
      await world.start(12_000_000)
      await world.carry(way, [11_999_800, 11_999_800])
      expect(await world.arrived(way)).toEqual([0, 1])
    })
  },
)

describe.each(['emit', 'state', 'row', 'hop', 'flow'] as const)(
  'a value by way of %s that is larger than its topic takes',
  (way) => {
    it('is a dead letter, and others arrive', async () => {
      await using world = new SizeWorld('app', memoryLog({ partitions: 1 }))
      await world.limit(way, 50_000)
      await world.start()
      await world.carry(way, [1_000, 80_000, 1_000])
      expect(await world.arrived(way)).toEqual([0, 2])
      expect(await world.letters()).toEqual(['RECORD_TOO_LARGE'])
    })

    it('is a dead letter where the limit is found by being refused only', async () => {
      const log = memoryLog({ partitions: 1 })
      await using world = new SizeWorld('app', tellingNothing(log))
      await world.limit(way, 50_000)
      await world.start()
      await world.carry(way, [1_000, 80_000, 45_000])
      expect(await world.arrived(way)).toEqual([0, 2])
      expect(await world.letters()).toEqual(['RECORD_TOO_LARGE'])
    })

    it('is a dead letter where the limit was lowered while the app runs', async () => {
      const log = memoryLog({ partitions: 1 })
      await using world = new SizeWorld('app', log)
      await world.start()
      await log.configure(world.topicOf(way), { 'max.message.bytes': '50000' })
      await world.carry(way, [1_000, 80_000, 1_000])
      expect(await world.arrived(way)).toEqual([0, 2])
      expect(await world.letters()).toEqual(['RECORD_TOO_LARGE'])
    })
  },
)

it('a value to a topic that was not known at the start is a dead letter when that does not take it', async () => {
  const log = memoryLog({ partitions: 1 })
  await using world = new SizeWorld('app', log)
  await world.limit('emit', 50_000)
  await world.start()
  await world.carry('emit', [80_000, 1_000])
  expect(await world.arrived('emit')).toEqual([1])
  expect(await world.letters()).toEqual(['RECORD_TOO_LARGE'])
})

describe('what is larger than it may be', () => {
  const large = 'x'.repeat(1_000_001)
  const orders = topic('orders', z.object({ id: z.string(), large: z.boolean() }))
  const out = topic('out', text())
  const letters = topic('test-dlq', text())
  const options = { state: z.object({ pad: z.string() }), init: () => ({ pad: '' }) }
  const codes = (driver: TestDriver): string[] =>
    driver.output(letters).map(({ headers }) => Buffer.from(headers.get('millrace.error.code') ?? []).toString())
  const lengths = (driver: TestDriver): (number | undefined)[] => driver.output(out).map(({ value }) => value?.length)
  const onError = { attempts: 2, backoff: '1s', then: 'dead-letter' } as const

  it.each([
    [
      'an asynchronous handler emits',
      async (turn: Turn, pad: string) => {
        await new Promise(setImmediate)
        turn.emit(out, pad)
      },
    ],
    ['a handler emits', (turn: Turn, pad: string) => turn.emit(out, pad)],
    [
      'a handler gives to a header of what it emits',
      (turn: Turn, pad: string) => turn.emit(out, 'small', { headers: { pad } }),
    ],
    [
      'a handler takes for the key of what it emits',
      (turn: Turn, pad: string) => turn.emit(out, 'small', { key: pad }),
    ],
  ])('is an error of its turn where %s it, through attempts, hops and a death', async (_what, emit) => {
    const kind = stateObject('kind', options).on(orders, { key: ({ id }) => id, onError }, (state, order, turn) => {
      state.pad += order.id
      return emit(turn as Turn, order.large ? large : 'small')
    })
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 2 })
    await driver.crash('before-end')
    const ids = ['a', 'b', 'c', 'd']
    await driver.sendAll(
      orders,
      [...ids, ...ids].map((id, i) => ({ id, large: i === 5 })),
      { key: () => 'one partition' },
    )
    await driver.advance('1s')
    expect(codes(driver)).toEqual(['RECORD_TOO_LARGE'])
    expect(lengths(driver)).toEqual(Array.from({ length: 7 }, () => 5))
    expect(ids.map((id) => driver.state(kind, id)?.pad)).toEqual(['aa', 'b', 'cc', 'dd'])
    expect(driver.crashes).toBe(1)
  })

  it('is an error of a timer that makes it', async () => {
    const timed = stateObject('timed', options)
      .timers({ late: z.null() })
      .on(
        orders,
        ({ id }) => id,
        (_state, _order, turn) => turn.timer('late', '1m', null),
      )
      .onTimer('late', (state) => {
        state.pad = large
      })
    await using driver = testDriver({ failures: 'expect', objects: [timed], partitions: 1 })
    for (const id of ['a', 'b']) await driver.send(orders, { id, large: false })
    await untilGivenUp(driver)
    expect(codes(driver)).toEqual(['RECORD_TOO_LARGE', 'RECORD_TOO_LARGE'])
    expect(driver.state(timed, 'a')).toEqual({ pad: '' })
  })

  it('is an error of a window that closes with it', async () => {
    const windowed = stateObject('windowed', { ...options, window: tumbling('1m') })
      .on(
        orders,
        ({ id }) => id,
        (state, { id }) => {
          state.pad += id
        },
      )
      .onClose(({ pad }, turn) => turn.emit(out, pad === 'a' ? large : pad))
    await using driver = testDriver({ failures: 'expect', objects: [windowed], partitions: 1 })
    for (const id of ['a', 'b', 'next']) {
      await driver.send(orders, { id, large: false })
      await driver.advance('2m')
    }
    await untilGivenUp(driver)
    expect(codes(driver)).toEqual(['RECORD_TOO_LARGE'])
    expect(driver.output(out).map(({ value }) => value)).toEqual(['b'])
  })
})

describe('log.send', () => {
  it('sends what fits, up to the first value that does not, whatever the limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 100, max: 3_000 }),
        fc.array(fc.tuple(fc.constantFrom('a', 'b', null), fc.nat(2_000)), { maxLength: 40 }),
        async (limit, values) => {
          await using log = memoryLog({ partitions: 2 })
          await log.admin.create([
            { name: 't', partitions: 2, replicationFactor: -1, configs: { 'max.message.bytes': String(limit) } },
          ])
          const target = topic('t', z.tuple([z.string().nullable(), z.number(), z.string()]))
          const all = values.map(([key, length], n) => [key, n, 'é'.repeat(length)] as [string | null, number, string])
          const rule = { maxBytes: limit, roundBytes: limit, compression: 'none' } as const
          const bad = all.findIndex(
            (each) => misfit(rule, Infinity, each[0], JSON.stringify(each), undefined) !== undefined,
          )
          const outcome = await log
            .send(target, all, { key: ([key]) => key })
            .then(() => undefined)
            .catch((error: MillraceError) => `${error.code} ${/value \d+/.exec(error.message)?.[0]}`)
          expect(outcome).toBe(bad < 0 ? undefined : `RECORD_TOO_LARGE value ${bad}`)
          const found = new Map<string | null, number[]>([
            ['a', []],
            ['b', []],
            [null, []],
          ])
          for await (const { value } of log.read(target)) found.get(value![0])?.push(value![1])
          const fine = bad < 0 ? all : all.slice(0, bad)
          for (const [key, numbers] of found) {
            const expected = fine.filter((each) => each[0] === key).map(([, n]) => n)
            expect(key === null ? numbers.sort((a, b) => a - b) : numbers).toEqual(expected)
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  it('names the value that its topic does not take, and has sent all before it', async () => {
    await using world = new SizeWorld('app', memoryLog({ partitions: 1 }))
    await world.limit('send', 50_000)
    await world.start()
    const refused = world.carry('send', [1_000, 2_000, 80_000, 1_000])
    await expect(refused).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
      message: expect.stringMatching(/value 2 .*80\d{3} bytes.*50000/),
    })
    expect(await world.arrived('send')).toEqual([0, 1])
  })
})

/** A log whose administrator does not let the app see settings. */
function tellingNothing(log: MemoryLog): MemoryLog {
  const hidden = (info: TopicInfo | undefined): TopicInfo | undefined => info && { ...info, configs: new Map() }
  const describe: LogAdmin['describe'] = async (topics) =>
    new Map([...(await log.admin.describe(topics))].map(([name, info]) => [name, hidden(info)]))
  return withAdmin(log, { describe })
}
