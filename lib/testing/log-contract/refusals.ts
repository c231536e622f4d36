import { MillraceError } from '../../core/errors.js'
import type { World } from './contract-log.js'
import { batchOf, newTopic, settled, transactionsOf, valuesOf } from './rows.js'

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
  })
}
