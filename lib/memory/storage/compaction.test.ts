import fc from 'fast-check'
import { systemClock } from '../../core/clock.js'
import type { TopicPartition } from '../../core/record.js'
import { batchOf, positionOf, put, readAll, soon, transactionsOf, type Row } from '../../testing/log-contract/rows.js'
import { memoryLog, type MemoryLog } from '../memory-log.js'

const partition: TopicPartition = { topic: 'table', partition: 0 }

async function compacted(log: MemoryLog, configs: Readonly<Record<string, string>> = {}): Promise<void> {
  const { topic: name } = partition
  const policy = { 'cleanup.policy': 'compact', ...configs }
  await log.admin.create([{ name, partitions: 1, replicationFactor: -1, configs: policy }])
}

const latestOf = (rows: readonly Row[]): Map<string | null, string | null> =>
  new Map(rows.map((row) => [row.key, row.value]))

describe('compaction', () => {
  it('runs by itself, so that a log written for ever stays bounded by its live keys', async () => {
    await using log = memoryLog()
    await compacted(log)
    await using channel = await transactionsOf(log, 'writer')
    for (let round = 0; round < 200; round++) {
      await channel.begin([partition], undefined)
      const rows = Array.from({ length: 1_000 }, (_, i) => ({
        key: `key ${i % 50}`,
        value: `${round}`.padEnd(90, '.'),
      }))
      await channel.append(partition, batchOf(rows))
      await channel.commit()
    }
    // 200,000 records of about 105 bytes were written, 1 MiB of them may be dirty.
    const rows = await readAll(log, partition)
    expect(rows.length).toBeLessThan(25_000)
    expect(new Set(latestOf(rows).values())).toEqual(new Set(['199'.padEnd(90, '.')]))
  })

  it('leaves topics alone that are not compacted', async () => {
    await using log = memoryLog()
    await compacted(log, { 'cleanup.policy': 'delete' })
    const rows = Array.from({ length: 1_000 }, () => ({ key: 'same', value: 'x'.repeat(100) }))
    for (let round = 0; round < 30; round++) await put(log, partition, batchOf(rows))
    expect((await readAll(log, partition)).length).toBe(30_000)
  })

  it('removes tombstones delete.retention.ms after the pass that met them first', async () => {
    let now = Date.now()
    await using log = memoryLog({ clock: { ...systemClock, now: () => now } })
    await compacted(log, { 'delete.retention.ms': '5000' })
    const keys = async (): Promise<(string | null)[]> => {
      await log.compact(partition.topic)
      return (await readAll(log, partition)).map((row) => row.key)
    }
    await put(log, partition, batchOf([{ key: 'gone', value: 'x' }]), batchOf([{ key: 'gone', value: null }]))
    await put(log, partition, batchOf([{ key: 'stays', value: 'y' }]), batchOf([{ key: 'last', value: 'z' }]))
    now += 100_000
    expect(await keys()).toEqual(['gone', 'stays', 'last'])
    now += 4_999
    expect(await keys()).toEqual(['gone', 'stays', 'last'])
    now += 1
    expect(await keys()).toEqual(['stays', 'last'])
  })

  it('does not change what a reader was handed before', async () => {
    await using log = memoryLog()
    await compacted(log)
    for (let i = 0; i < 10; i++) await put(log, partition, batchOf([{ key: 'k', value: `${i}` }]))
    await using fetcher = log.fetcher({ isolation: 'all', purpose: 'restore', maxBytes: 1_000_000 })
    fetcher.assign(positionOf(partition, 0))
    const [fetched] = await fetcher.next(soon())
    const before = Buffer.from(fetched!.bytes)
    await log.compact(partition.topic)
    await put(log, partition, batchOf([{ key: 'k', value: 'more' }]))
    expect(before.equals(fetched!.bytes)).toBe(true)
  })

  it('leaves nothing of batches of which it keeps no record, nor of markers', async () => {
    await using log = memoryLog()
    await compacted(log)
    await using channel = await transactionsOf(log, 'writer')
    for (let i = 0; i < 10; i++) {
      await channel.begin([partition], undefined)
      await channel.append(partition, batchOf([{ key: 'k', value: 'v' }]))
      await channel.commit()
    }
    const bytes = async (): Promise<number> => {
      await using fetcher = log.fetcher({ isolation: 'all', purpose: 'restore', maxBytes: 1_000_000 })
      fetcher.assign(positionOf(partition, 0))
      return (await fetcher.next(soon())).reduce((sum, fetched) => sum + fetched.bytes.length, 0)
    }
    const before = await bytes()
    await log.compact(partition.topic)
    // Of ten batches and ten markers, the last batch and the last marker; in two answers, for they lie apart.
    expect(await bytes()).toBeLessThan(before / 10)
  })

  it('drops records without a key, which cannot be the latest of anything', async () => {
    await using log = memoryLog()
    await compacted(log, { 'cleanup.policy': 'delete' })
    await put(log, partition, batchOf(['no key']), batchOf([{ key: '', value: 'empty key' }]), batchOf(['tail']))
    await log.configure(partition.topic, { 'cleanup.policy': 'compact' })
    await log.compact(partition.topic)
    expect((await readAll(log, partition)).map((row) => row.value)).toEqual(['empty key', 'tail'])
  })

  it('never changes what the log says of any key, whatever was written, aborted and trimmed around it', async () => {
    const row = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd', 'é'),
      value: fc.option(fc.constantFrom('1', '2', '3'), { nil: null }),
    })
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          act: fc.constantFrom('plain', 'open', 'open'),
          rows: fc.array(row, { minLength: 1, maxLength: 5 }),
        }),
      },
      { weight: 4, arbitrary: fc.record({ act: fc.constantFrom('commit', 'abort', 'compact', 'compact') }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        // The same schedule on two logs, of which one is never compacted.
        const [squeezed, whole] = [memoryLog(), memoryLog()]
        for (const log of [squeezed, whole]) {
          await compacted(log)
          await using channel = await transactionsOf(log, 'writer')
          let open = false
          for (const { act, ...more } of steps) {
            if (act === 'compact' && log === squeezed) await log.compact(partition.topic)
            if (act === 'plain' && 'rows' in more) await put(log, partition, batchOf(more.rows))
            if (act === 'open' && 'rows' in more) {
              if (!open) await channel.begin([partition], undefined)
              open = true
              await channel.append(partition, batchOf(more.rows))
            }
            if ((act === 'commit' || act === 'abort') && open) {
              await channel[act]()
              open = false
            }
          }
        }
        await squeezed.compact(partition.topic)
        const [left, all] = [await readAll(squeezed, partition), await readAll(whole, partition)]
        expect(latestOf(left)).toEqual(latestOf(all))
        expect(all).toEqual(expect.arrayContaining(left))
        const ends = await Promise.all([squeezed, whole].map((log) => log.admin.endOffsets([partition], 'all')))
        expect(ends[0]).toEqual(ends[1])
      }),
      { numRuns: 150 },
    )
  })
})
