import type { World } from './contract-log.js'
import {
  batchOf,
  endOf,
  newTopic,
  positionOf,
  put,
  readAll,
  rowsOf,
  settled,
  soon,
  transactionsOf,
  until,
  valuesOf,
} from './rows.js'

export function isolationContract(world: World): void {
  describe('isolation', () => {
    it('shows an open transaction to readers of all, and not to readers of what is committed', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      await put(log, partition, batchOf(['before']))
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf(['open']))
      await put(log, partition, batchOf(['behind']))

      expect(await valuesOf(log, partition, 'all')).toEqual(['before', 'open', 'behind'])
      expect(await valuesOf(log, partition, 'committed')).toEqual(['before'])
      await channel.abort()
    })

    it('ends at the last stable offset for committed and at the high watermark for all', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      await put(log, partition, batchOf(['a', 'b']))
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf(['c', 'd', 'e']))
      expect(await endOf(log, partition, 'committed')).toBe(2)
      expect(await endOf(log, partition, 'all')).toBe(5)

      await channel.commit()
      await settled(log, partition)
      expect(await endOf(log, partition, 'all')).toBe(6)
    })

    it('tells who stands at an open transaction, and whose it is, for as long as it is open', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      await put(log, partition, batchOf(['before']))
      const id = world().name('id')
      await using channel = await transactionsOf(log, id)
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf(['open']))
      await put(log, partition, batchOf(['behind', 'it']))

      await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes: 1_000_000 })
      fetcher.assign(positionOf(partition, 0))
      expect((await fetcher.next(soon())).flatMap(rowsOf).map((row) => row.value)).toEqual(['before'])
      const following = fetcher.next(soon())
      await until(async () => fetcher.held().length > 0)
      expect(fetcher.held()).toEqual([{ ...partition, offset: 1, highWatermark: 4 }])
      const [open, ...others] = await log.admin.openTransactions([{ ...partition, offset: 1 }])
      expect(others).toEqual([])
      expect(open).toMatchObject({ ...partition, startOffset: 1, producer: { transactionalId: id } })
      expect(open?.producer?.began).toBeGreaterThan(0)
      expect(await log.admin.openTransactions([{ ...partition, offset: 0 }])).toEqual([])

      await channel.abort()
      expect((await following).flatMap(rowsOf).map((row) => row.value)).toEqual(['behind', 'it'])
      expect(fetcher.held()).toEqual([])
      await settled(log, partition)
      expect(await log.admin.openTransactions([{ ...partition, offset: 1 }])).toEqual([])
    })

    it('has nobody stand at an open transaction who reads all, or has not come so far', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf(['open']))
      await using all = log.fetcher({ isolation: 'all', purpose: 'live', maxBytes: 1_000_000 })
      await using none = log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes: 1_000_000 })
      all.assign(positionOf(partition, 0))
      expect((await all.next(soon())).flatMap(rowsOf).map((row) => row.value)).toEqual(['open'])
      expect(all.held()).toEqual([])
      expect(none.held()).toEqual([])
      await channel.abort()
    })

    it('shows a transaction once it is committed, also to who was waiting for it', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes: 1_000_000 })
      fetcher.assign(positionOf(partition, 0))
      const waiting = fetcher.next(soon())
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf(['late', 'later']))
      await channel.commit()
      expect((await waiting).flatMap(rowsOf).map((row) => row.value)).toEqual(['late', 'later'])
    })

    it('never shows what was aborted, wherever reading begins', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf(['never 0', 'never 1']))
      await put(log, partition, batchOf(['plain 2']))
      await channel.append(partition, batchOf(['never 3', 'never 4']))
      await channel.abort()
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf(['kept 6']))
      await channel.commit()
      await settled(log, partition)

      for (let from = 0; from < 8; from++) {
        const rows = await readAll(log, partition, 'committed', { from })
        expect(rows.map((row) => row.value)).toEqual([from <= 2 && 'plain 2', from <= 6 && 'kept 6'].filter(Boolean))
      }
    })

    it('shows what was aborted to readers of all', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf(['aborted']))
      await channel.abort()
      expect(await valuesOf(log, partition, 'all')).toEqual(['aborted'])
    })

    it('holds readers of what is committed back for the oldest open transaction only', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using older = await transactionsOf(log, world().name('id'))
      await using newer = await transactionsOf(log, world().name('id'))
      await older.begin([partition], undefined)
      await older.append(partition, batchOf(['older']))
      await newer.begin([partition], undefined)
      await newer.append(partition, batchOf(['newer']))
      await newer.commit()
      expect(await valuesOf(log, partition)).toEqual([])

      await older.commit()
      await settled(log, partition)
      expect(await valuesOf(log, partition)).toEqual(['older', 'newer'])
    })
  })
}
