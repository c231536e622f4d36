import { memoryLog, type MemoryLog } from '../../lib/memory/memory-log.js'
import type { LogAdmin, TopicInfo } from '../../lib/log/port.js'
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

describe('log.send', () => {
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
