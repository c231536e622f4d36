import type { World } from './contract-log.js'
import { batchOf, known, newTopic, put } from './rows.js'

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

    it('can write to a topic as soon as it is made', async () => {
      const topic = await newTopic(world(), 8)
      for (let partition = 0; partition < 8; partition++) await put(world().log, { topic, partition }, batchOf(['x']))
      const ends = await world().log.admin.endOffsets([{ topic, partition: 7 }], 'all')
      expect(ends.get(topic)?.get(7)).toBe(1)
    })
  })
}
