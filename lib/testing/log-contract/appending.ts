import type { World } from './contract-log.js'
import { batchOf, newTopic, allPartitions, put, readAll, someTime, valuesOf } from './rows.js'

export function appendingContract(world: World): void {
  describe('appending', () => {
    it('keeps the order of batches of a partition sent without waiting in between', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using channel = await world().log.idempotent()
      await channel.begin([partition], undefined)
      const sent = Array.from({ length: 40 }, (_, i) => channel.append(partition, batchOf([`${i}a`, `${i}b`])))
      const bases = (await Promise.all(sent)).map((answer) => answer.baseOffset)
      await channel.commit()
      expect(bases).toEqual(Array.from({ length: 40 }, (_, i) => i * 2))
      const values = Array.from({ length: 40 }, (_, i) => [`${i}a`, `${i}b`]).flat()
      expect(await valuesOf(world().log, partition)).toEqual(values)
    })

    it('keeps partitions apart', async () => {
      const partitions = allPartitions(await newTopic(world(), 3), 3)
      await using channel = await world().log.idempotent()
      await channel.begin(partitions, undefined)
      await Promise.all(partitions.map((at) => channel.append(at, batchOf([`only ${at.partition}`]))))
      await channel.commit()
      for (const at of partitions) expect(await valuesOf(world().log, at)).toEqual([`only ${at.partition}`])
    })

    it('stores batches of many records and of nearly the largest size', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      const many = Array.from({ length: 20_000 }, (_, i) => `${i}`)
      const large = 'x'.repeat(900_000)
      await put(world().log, partition, batchOf(many), batchOf([large]), batchOf(['last']))
      expect(await valuesOf(world().log, partition)).toEqual([...many, large, 'last'])
    })

    it('reads on through many small batches in small answers', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      const values = Array.from({ length: 200 }, (_, i) => `value ${i}`)
      await put(world().log, partition, ...values.map((value) => batchOf([value])))
      const rows = await readAll(world().log, partition, 'committed', { maxBytes: 1_000 })
      expect(rows.map((row) => row.value)).toEqual(values)
      expect(rows.map((row) => row.offset)).toEqual(values.map((_, i) => i))
    })

    it('answers with a whole batch even when it is larger than maxBytes', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      await put(world().log, partition, batchOf(['x'.repeat(50_000)]), batchOf(['after']))
      const rows = await readAll(world().log, partition, 'committed', { maxBytes: 100 })
      expect(rows.map((row) => row.value?.length)).toEqual([50_000, 5])
    })

    it('gives back null and empty keys, tombstones, timestamps and headers as they were', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      const headers = new Map([
        ['some', Buffer.from('thing')],
        ['empty', Buffer.alloc(0)],
        ['nothing', null],
      ])
      await put(
        world().log,
        partition,
        batchOf([
          { key: null, value: 'no key', timestamp: someTime + 10 },
          { key: '', value: '', timestamp: someTime - 10 },
          { key: 'gone', value: null, timestamp: someTime },
          { key: 'schlüssel 🔑', value: 'wert 🎁', timestamp: someTime + 5, headers },
        ]),
      )
      expect(await readAll(world().log, partition)).toEqual([
        { offset: 0, timestamp: someTime + 10, key: null, value: 'no key', headers: {} },
        { offset: 1, timestamp: someTime - 10, key: '', value: '', headers: {} },
        { offset: 2, timestamp: someTime, key: 'gone', value: null, headers: {} },
        {
          offset: 3,
          timestamp: someTime + 5,
          key: 'schlüssel 🔑',
          value: 'wert 🎁',
          headers: { some: 'thing', empty: '', nothing: null },
        },
      ])
    })

    it('goes on with the sequence of a channel from one cycle to the next', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using channel = await world().log.idempotent()
      for (const value of ['a', 'b', 'c']) {
        await channel.begin([partition], undefined)
        await channel.append(partition, batchOf([value]))
        await channel.commit()
      }
      expect(await valuesOf(world().log, partition)).toEqual(['a', 'b', 'c'])
    })
  })
}
