import type { TopicPartition } from '../../core/record.js'
import type { World } from './contract-log.js'
import { batchOf, endOf, known, newTopic, put, readAll, settled, transactionsOf } from './rows.js'

const points = [
  'pass over the gaps of a compacted log, wherever they begin',
  'find the latest value of each key after compaction, tombstones included',
  'find all records of a transaction that was open during compaction',
] as const

/** About compacted logs; where a log cannot be compacted on demand, the points are listed as to do. */
export function compactedContract(world: World, compacts: boolean): void {
  if (!compacts) {
    for (const point of points) it.todo(`${point} (not run: this log has no compact())`)
    return
  }
  const newCompacted = async (): Promise<TopicPartition> => ({
    topic: await newTopic(world(), 1, { 'cleanup.policy': 'compact' }),
    partition: 0,
  })
  const compact = async ({ topic }: TopicPartition): Promise<void> => known(world().compact).call(world(), topic)

  it(points[0], async () => {
    const { log } = world()
    const partition = await newCompacted()
    await using channel = await transactionsOf(log, world().name('id'))
    for (let round = 0; round < 12; round++) {
      await channel.begin([partition], undefined)
      const rows = ['a', 'b', 'c'].map((key) => ({ key: `${key}${round % 3}`, value: `${key} ${round}` }))
      await channel.append(partition, batchOf(rows))
      await (round % 4 === 1 ? channel.abort() : channel.commit())
    }
    await settled(log, partition)
    const before = await readAll(log, partition)
    await compact(partition)
    const after = await readAll(log, partition)
    expect(after.length).toBeLessThan(before.length)
    const end = await endOf(log, partition, 'all')
    expect(end).toBe(48)
    for (let from = 0; from < end; from++) {
      // readAll ends only when the position reaches the end.
      const rows = await readAll(log, partition, 'committed', { from, maxBytes: 1 })
      expect(rows).toEqual(after.filter((row) => row.offset >= from))
    }
  })

  it(points[1], async () => {
    const { log } = world()
    const partition = await newCompacted()
    const model = new Map<string, string | null>()
    for (let round = 0; round < 30; round++) {
      const rows = Array.from({ length: 10 }, (_, i) => {
        const key = `key ${(round * 7 + i * 3) % 25}`
        return { key, value: (round + i) % 5 === 0 ? null : `value ${round}.${i}` }
      })
      for (const { key, value } of rows) model.set(key, value)
      await put(log, partition, batchOf(rows))
    }
    await put(log, partition, batchOf([{ key: 'tail', value: 'end' }]))
    model.set('tail', 'end')
    await compact(partition)

    const rows = await readAll(log, partition)
    expect(rows.length).toBeLessThan(300)
    const latest = new Map(rows.map((row) => [row.key, row.value]))
    expect(latest).toEqual(model)
    expect(rows.map((row) => row.offset)).toEqual(rows.map((row) => row.offset).sort((a, b) => a - b))
  })

  it(points[2], async () => {
    const { log } = world()
    const partition = await newCompacted()
    await using channel = await transactionsOf(log, world().name('id'))
    for (let i = 0; i < 5; i++) await put(log, partition, batchOf([{ key: 'k', value: `old ${i}` }]))
    await channel.begin([partition], undefined)
    for (let i = 0; i < 5; i++) await channel.append(partition, batchOf([{ key: 'k', value: `open ${i}` }]))
    await put(log, partition, batchOf([{ key: 'k', value: 'plain' }]))
    await compact(partition)
    await channel.commit()
    await settled(log, partition)
    const values = (await readAll(log, partition)).map((row) => row.value)
    expect(values.slice(-6)).toEqual(['open 0', 'open 1', 'open 2', 'open 3', 'open 4', 'plain'])
    expect(values).toContain('old 4')
  })
}
