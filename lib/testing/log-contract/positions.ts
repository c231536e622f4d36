import type { Offset, TopicPartition } from '../../core/record.js'
import type { World } from './contract-log.js'
import { compactedContract } from './compacted.js'
import {
  batchOf,
  endOf,
  newTopic,
  allPartitions,
  positionOf,
  put,
  readAll,
  settled,
  soon,
  transactionsOf,
} from './rows.js'

export function positionContract(world: World): void {
  const nextFrom = async (partition: TopicPartition, offset: Offset): Promise<unknown> => {
    await using fetcher = world().log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes: 1_000_000 })
    fetcher.assign(positionOf(partition, offset))
    return await fetcher.next(soon())
  }

  describe('positions', () => {
    it.each(['commit', 'abort'] as const)(
      'reach the high watermark past the control record of each %s',
      async (decide) => {
        const { log } = world()
        const partition = { topic: await newTopic(world()), partition: 0 }
        await using channel = await transactionsOf(log, world().name('id'))
        await channel.begin([partition], undefined)
        await channel.append(partition, batchOf(['a', 'b']))
        await channel[decide]()
        await settled(log, partition)
        const end = await endOf(log, partition, 'all')
        expect(end).toBe(3)

        await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes: 1 })
        fetcher.assign(positionOf(partition, 0))
        let position = 0
        while (position < end) {
          for (const fetched of await fetcher.next(soon())) {
            expect(fetched.to).toBeGreaterThan(position)
            position = fetched.to
          }
        }
        expect(position).toBe(end)
      },
    )

    it('may begin inside a batch: records before are not handed out', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      await put(world().log, partition, batchOf(['a', 'b', 'c', 'd']), batchOf(['e']))
      const rows = await readAll(world().log, partition, 'committed', { from: 2 })
      expect(rows.map((row) => [row.offset, row.value])).toEqual([
        [2, 'c'],
        [3, 'd'],
        [4, 'e'],
      ])
    })

    it('below the start are out of range once a partition has been trimmed', async () => {
      const { log } = world()
      const [trimmed, other] = allPartitions(await newTopic(world(), 2), 2)
      for (const at of [trimmed!, other!]) await put(log, at, batchOf(['a', 'b']), batchOf(['c', 'd']), batchOf(['e']))
      await log.admin.trim(positionOf(trimmed!, 3))
      const starts = await log.admin.startOffsets([trimmed!, other!])
      expect(starts.get(trimmed!.topic)).toEqual(
        new Map([
          [0, 3],
          [1, 0],
        ]),
      )
      expect((await readAll(log, trimmed!, 'committed', { from: 3 })).map((row) => row.value)).toEqual(['d', 'e'])
      expect((await readAll(log, other!)).length).toBe(5)
      await expect(nextFrom(trimmed!, 2)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', ...trimmed! })
    })

    it('stay in range when everything is trimmed', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      await put(log, partition, batchOf(['a', 'b']))
      await log.admin.trim(positionOf(partition, 2))
      await put(log, partition, batchOf(['c']))
      const starts = await log.admin.startOffsets([partition])
      expect(starts).toEqual(positionOf(partition, 2))
      expect((await readAll(log, partition, 'committed', { from: 2 })).map((row) => row.value)).toEqual(['c'])
    })

    it('beyond the end are out of range', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      await put(world().log, partition, batchOf(['a', 'b']))
      await expect(nextFrom(partition, 3)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', ...partition })
    })

    compactedContract(world)
  })
}
