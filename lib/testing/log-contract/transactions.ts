import type { World } from './contract-log.js'
import { batchOf, endOf, newTopic, allPartitions, settled, transactionsOf, valuesOf } from './rows.js'

export function transactionContract(world: World): void {
  describe('transactions', () => {
    it('shows all partitions of a transaction or none', async () => {
      const { log } = world()
      const partitions = allPartitions(await newTopic(world(), 3), 3)
      await using channel = await transactionsOf(log, world().name('id'))
      for (const decide of ['commit', 'abort'] as const) {
        await channel.begin(partitions, undefined)
        await Promise.all(partitions.map((at) => channel.append(at, batchOf([`${decide} ${at.partition}`]))))
        await channel[decide]()
      }
      for (const at of partitions) {
        await settled(log, at)
        expect(await valuesOf(log, at)).toEqual([`commit ${at.partition}`])
      }
    })

    it('writes a marker to every partition named, written to or not', async () => {
      const { log } = world()
      const partitions = allPartitions(await newTopic(world(), 2), 2)
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin(partitions, undefined)
      await channel.append({ ...partitions[0]! }, batchOf(['one']))
      await channel.commit()
      for (const at of partitions) await settled(log, at)
      expect(await endOf(log, partitions[0]!, 'all')).toBe(2)
      expect(await endOf(log, partitions[1]!, 'all')).toBe(1)
    })

    it('commits and aborts a transaction that has neither partitions nor offsets', async () => {
      await using channel = await transactionsOf(world().log, world().name('id'))
      await channel.begin([], undefined)
      await channel.commit()
      await channel.begin([], undefined)
      await channel.abort()
    })

    it('aborts when there is nothing to abort', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using channel = await transactionsOf(world().log, world().name('id'))
      await channel.abort()
      await channel.begin([partition], undefined)
      await channel.abort()
      await channel.abort()
    })

    it('commits nothing after an abort, also one that is under way', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using channel = await transactionsOf(log, world().name('id'))
      await expect(channel.commit()).rejects.toMatchObject({ code: 'COMMIT_ABORTED' })
      for (const waits of [true, false]) {
        await channel.begin([partition], undefined)
        await channel.append(partition, batchOf(['never']))
        const aborted = channel.abort()
        if (waits) await aborted
        await expect(channel.commit()).rejects.toMatchObject({ code: 'COMMIT_ABORTED' })
        await aborted
      }
      await settled(log, partition)
      expect(await valuesOf(log, partition)).toEqual([])
    })

    it('runs many transactions one after the other without a pause', async () => {
      const { log } = world()
      const partitions = allPartitions(await newTopic(world(), 2), 2)
      await using channel = await transactionsOf(log, world().name('id'))
      for (let i = 0; i < 30; i++) {
        await channel.begin(partitions, undefined)
        await Promise.all(partitions.map((at) => channel.append(at, batchOf([`${i}`]))))
        await (i % 3 === 2 ? channel.abort() : channel.commit())
      }
      const kept = Array.from({ length: 30 }, (_, i) => `${i}`).filter((_, i) => i % 3 !== 2)
      for (const at of partitions) {
        await settled(log, at)
        expect(await valuesOf(log, at)).toEqual(kept)
      }
    })

    it('refuses a batch for a partition not named in begin, and then the commit', async () => {
      const { log } = world()
      const [named, other] = allPartitions(await newTopic(world(), 2), 2)
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([named!], undefined)
      await channel.append(named!, batchOf(['never']))
      await expect(channel.append(other!, batchOf(['refused']))).rejects.toThrow()
      await expect(channel.commit()).rejects.toMatchObject({ code: 'COMMIT_ABORTED' })
      await channel.abort()

      await channel.begin([other!], undefined)
      await channel.append(other!, batchOf(['next']))
      await channel.commit()
      await settled(log, named!)
      await settled(log, other!)
      expect(await valuesOf(log, named!)).toEqual([])
      expect(await valuesOf(log, other!)).toEqual(['next'])
    })

    it('shows what an idempotent channel appends before its commit, and keeps it after its abort', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using channel = await log.idempotent()
      expect(channel.id).toBe('')
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf(['at once']))
      expect(await valuesOf(log, partition)).toEqual(['at once'])
      await channel.abort()
      expect(await valuesOf(log, partition)).toEqual(['at once'])
      expect(await endOf(log, partition, 'all')).toBe(1)
    })
  })
}
