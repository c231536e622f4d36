import type { World } from './contract-log.js'
import {
  allPartitions,
  batchOf,
  endOf,
  known,
  newTopic,
  positionOf,
  put,
  someTime,
  transactionsOf,
  valuesOf,
} from './rows.js'
import { PositionMap } from '../../core/record.js'

export function topicContract(world: World): void {
  describe('topics', () => {
    it('describes a topic that does not exist as undefined', async () => {
      const missing = world().name('missing')
      const described = await world().log.admin.describe([missing])
      expect([...described]).toEqual([[missing, undefined]])
    })

    it('describes a topic with its partitions and the configs it was made with', async () => {
      const topic = await newTopic(world(), 3, { 'cleanup.policy': 'compact', 'delete.retention.ms': '1234' })
      const info = known((await world().log.admin.describe([topic])).get(topic))
      expect(info.partitions).toBe(3)
      expect(info.configs.get('cleanup.policy')).toBe('compact')
      expect(info.configs.get('delete.retention.ms')).toBe('1234')
    })

    it('gives two topics different ids', async () => {
      const [one, two] = [await newTopic(world()), await newTopic(world())]
      const described = await world().log.admin.describe([one, two])
      expect(known(described.get(one)).id).not.toBe(known(described.get(two)).id)
    })

    it('leaves a topic that exists as it is, and makes the others', async () => {
      const topic = await newTopic(world(), 2)
      await put(world().log, { topic, partition: 1 }, batchOf(['kept']))
      const before = known((await world().log.admin.describe([topic])).get(topic))
      const other = world().name('topic')
      await world().log.admin.create([
        { name: topic, partitions: 5, replicationFactor: -1, configs: { 'delete.retention.ms': '1' } },
        { name: other, partitions: 1, replicationFactor: -1, configs: {} },
      ])
      const described = await world().log.admin.describe([topic, other])
      expect(known(described.get(topic))).toEqual(before)
      expect(known(described.get(other)).partitions).toBe(1)
    })

    it('lists topics by prefix', async () => {
      const prefix = world().name('family')
      const names = [`${prefix}-a`, `${prefix}-b`]
      await world().log.admin.create(
        [...names, world().name('other')].map((name) => ({ name, partitions: 1, replicationFactor: -1, configs: {} })),
      )
      expect([...(await world().log.admin.list(prefix))].sort()).toEqual(names)
    })

    it('deletes topics with what is in them; of the same name there can be others at once', async () => {
      const { log } = world()
      const [topic, other] = [await newTopic(world(), 2), await newTopic(world())]
      const missing = world().name('missing')
      const at = { topic, partition: 1 }
      await put(log, at, batchOf(['gone']))
      const before = known((await log.admin.describe([topic])).get(topic))
      await log.admin.deleteTopics([topic, missing])
      expect([...(await log.admin.describe([topic, missing])).values()]).toEqual([undefined, undefined])
      expect(await log.admin.list(topic)).toEqual([])
      expect((await log.admin.describe([other])).get(other)).toBeDefined()

      await log.admin.create([{ name: topic, partitions: 2, replicationFactor: -1, configs: {} }])
      expect(known((await log.admin.describe([topic])).get(topic)).id).not.toBe(before.id)
      expect(await endOf(log, at, 'all')).toBe(0)
    })

    it('can be made anew under a channel that has written to it before', async () => {
      const { log } = world()
      const topic = await newTopic(world(), 2)
      const at = { topic, partition: 1 }
      await using channel = await log.idempotent()
      const write = async (value: string): Promise<number> => {
        await channel.begin([at], undefined)
        const { baseOffset } = await channel.append(at, batchOf([value]))
        await channel.commit()
        return baseOffset
      }
      expect([await write('a'), await write('b')]).toEqual([0, 1])
      await log.admin.deleteTopics([topic])
      await log.admin.create([{ name: topic, partitions: 2, replicationFactor: -1, configs: {} }])
      expect([await write('c'), await write('d')]).toEqual([0, 1])
      expect(await valuesOf(log, at)).toEqual(['c', 'd'])
    })

    it('can write to a topic as soon as it is made', async () => {
      const topic = await newTopic(world(), 8)
      for (let partition = 0; partition < 8; partition++) await put(world().log, { topic, partition }, batchOf(['x']))
      const ends = await world().log.admin.endOffsets([{ topic, partition: 7 }], 'all')
      expect(ends.get(topic)?.get(7)).toBe(1)
    })
  })

  describe('offsets at a time', () => {
    it('are of the first record of that time or a later one, in whichever place of a batch it is', async () => {
      const { log } = world()
      const topic = await newTopic(world(), 2)
      const [at, empty] = allPartitions(topic, 2) as [{ topic: string; partition: number }, never]
      const row = (seconds: number) => ({ value: `${seconds}`, timestamp: someTime + seconds * 1_000 })
      await put(log, at, batchOf([row(10), row(11), row(12)]), batchOf([row(20), row(15), row(30)]))
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([at], undefined)
      await channel.append(at, batchOf([row(40)]))
      await channel.commit()
      const offsets = async (seconds: number) => await log.admin.offsetsAt([at, empty], someTime + seconds * 1_000)
      for (const [seconds, offset] of [
        [0, 0],
        [10, 0],
        [11, 1],
        [11.001, 2],
        [13, 3],
        [25, 5],
        [31, 6],
        [40, 6],
      ] as const)
        expect([seconds, await offsets(seconds)]).toEqual([seconds, positionOf(at, offset)])
      expect((await log.admin.offsetsAt([at], 0)).get(topic)?.get(0)).toBe(0)
      expect(await log.admin.offsetsAt([empty], 0)).toEqual(new PositionMap().topics)
    })

    it('are of no partition whose records are all earlier', async () => {
      const { log } = world()
      const at = { topic: await newTopic(world()), partition: 0 }
      await put(log, at, batchOf([{ value: 'x', timestamp: someTime }]))
      expect(await log.admin.offsetsAt([at], someTime + 1_000)).toEqual(new PositionMap().topics)
    })
  })
}
