import { MillraceError } from '../../core/errors.js'
import type { World } from './contract-log.js'
import { batchBuilder } from '../../log/batch-builder.js'
import { batchOf, newTopic, put, readAll, settled, transactionsOf, valuesOf } from './rows.js'

const large = batchOf.bind(undefined, ['x'.repeat(2_000)])
const refused = { code: 'RECORDS_REFUSED', brokerCode: 10, partition: 0 }

export function refusalContract(world: World): void {
  describe('a batch that is refused for its records', () => {
    it('says so, and the id goes on once its transaction is aborted', async () => {
      const partition = { topic: await newTopic(world(), 1, { 'max.message.bytes': '1000' }), partition: 0 }
      await using channel = await transactionsOf(world().log, world().name('id'))
      await channel.begin([partition], undefined)
      const small = channel.append(partition, batchOf(['goes with it']))
      await expect(channel.append(partition, large())).rejects.toMatchObject({ ...refused, topic: partition.topic })
      await small
      await channel.abort()
      for (const value of ['next', 'last']) {
        await channel.begin([partition], undefined)
        await channel.append(partition, batchOf([value]))
        await channel.commit()
      }
      await settled(world().log, partition)
      expect(await valuesOf(world().log, partition)).toEqual(['next', 'last'])
    })

    it('is lost alone without transactions: what was appended before stays', async () => {
      const partition = { topic: await newTopic(world(), 1, { 'max.message.bytes': '1000' }), partition: 0 }
      await using channel = await world().log.idempotent()
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf(['stays']))
      await expect(channel.append(partition, large())).rejects.toMatchObject(refused)
      const error: unknown = await channel.commit().catch((reason: unknown) => reason)
      expect(MillraceError.is(error, 'COMMIT_ABORTED')).toBe(true)
      await channel.abort()
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf(['next']))
      await channel.commit()
      expect(await valuesOf(world().log, partition)).toEqual(['stays', 'next'])
    })

    it('is named by those without a key, on a compacted topic', async () => {
      const partition = { topic: await newTopic(world(), 1, { 'cleanup.policy': 'compact' }), partition: 0 }
      const batch = batchOf([{ key: 'a', value: '1' }, { key: null, value: '2' }, { key: '', value: '3' }, 'no key'])
      const refusal = { code: 'RECORDS_REFUSED', brokerCode: 87, records: [1, 3] }
      await expect(put(world().log, partition, batch)).rejects.toMatchObject(refusal)
      await put(world().log, partition, batchOf([{ key: 'a', value: '1' }]))
      expect(await valuesOf(world().log, partition)).toEqual(['1'])
    })

    it('is named by those whose time is too far from now', async () => {
      const configs = { 'message.timestamp.after.max.ms': '3600000', 'message.timestamp.before.max.ms': '86400000' }
      const partition = { topic: await newTopic(world(), 1, configs), partition: 0 }
      const at = (ms: number) => ({ value: `${ms}`, timestamp: Date.now() + ms })
      const batch = batchOf([at(0), at(2 * 3_600_000), at(1_800_000), at(-2 * 86_400_000)])
      const refusal = { code: 'RECORDS_REFUSED', brokerCode: 32, records: [1, 3] }
      await expect(put(world().log, partition, batch)).rejects.toMatchObject(refusal)
      const fine = [at(0), at(1_800_000), at(-43_200_000)]
      await put(world().log, partition, batchOf(fine))
      expect(await valuesOf(world().log, partition)).toEqual(fine.map(({ value }) => value))
    })

    it('is larger than a segment of its topic', async () => {
      const configs = { 'segment.bytes': String(1 << 20), 'max.message.bytes': '4000000' }
      const partition = { topic: await newTopic(world(), 1, configs), partition: 0 }
      const refusal = { code: 'RECORDS_REFUSED', brokerCode: 18 }
      await expect(put(world().log, partition, batchOf(['x'.repeat(1_100_000)]))).rejects.toMatchObject(refusal)
      await put(world().log, partition, batchOf(['x'.repeat(1_000_000)]))
      expect((await valuesOf(world().log, partition)).map((value) => value?.length)).toEqual([1_000_000])
    })
  })

  describe('a batch that is taken', () => {
    it('counts as large as it is packed', async () => {
      const partition = { topic: await newTopic(world(), 1, { 'max.message.bytes': '10000' }), partition: 0 }
      const builder = batchBuilder({ compression: 'gzip' })
      for (let i = 0; i < 50; i++) builder.add('k', 'x'.repeat(10_000), Date.now())
      await put(world().log, partition, builder.finish())
      expect(await valuesOf(world().log, partition)).toHaveLength(50)
    })

    it('may be of any time where records get the time of their append', async () => {
      const partition = {
        topic: await newTopic(world(), 1, { 'message.timestamp.type': 'LogAppendTime' }),
        partition: 0,
      }
      const before = Date.now()
      const years = 100 * 365 * 86_400_000
      await put(
        world().log,
        partition,
        batchOf([
          { value: 'far', timestamp: before + years },
          { value: 'old', timestamp: 1 },
        ]),
      )
      const rows = await readAll(world().log, partition)
      expect(rows.map(({ value }) => value)).toEqual(['far', 'old'])
      for (const { timestamp } of rows) {
        expect(timestamp).toBeGreaterThan(before - 60_000)
        expect(timestamp).toBeLessThan(Date.now() + 60_000)
      }
    })
  })
}
