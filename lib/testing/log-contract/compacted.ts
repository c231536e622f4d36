import type { TopicPartition } from '../../core/record.js'
import type { World } from './contract-log.js'
import { batchOf, endOf, newTopic, put, readAll, settled, someTime, transactionsOf, type RowToWrite } from './rows.js'

const hourMs = 3_600_000

/** Brokers compact by segments, and close one when a record comes that is later by `segment.ms` than its first. */
const compactEagerly = {
  'cleanup.policy': 'compact',
  'segment.ms': String(hourMs / 2),
  'min.cleanable.dirty.ratio': '0.01',
  'max.compaction.lag.ms': '1',
}
const closing = { key: 'closing', value: 'what is before', timestamp: someTime + hourMs } satisfies RowToWrite

export function compactedContract(world: World): void {
  const newCompacted = async (): Promise<TopicPartition> => ({
    topic: await newTopic(world(), 1, compactEagerly),
    partition: 0,
  })

  it('pass over the gaps of a compacted log, wherever they begin', async () => {
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
    await put(log, partition, batchOf([closing]))
    await world().compact(partition.topic)

    // Each round takes four offsets, one of them for its marker. Round 9, after 6, was aborted.
    const latest = [6, 10, 11].flatMap((round) => ['a', 'b', 'c'].map((key, i) => [round * 4 + i, `${key} ${round}`]))
    const left = [...latest, [48, closing.value]]
    const end = await endOf(log, partition, 'all')
    expect(end).toBe(49)
    for (let from = 0; from < end; from++) {
      // readAll ends only when the position reaches the end.
      const rows = await readAll(log, partition, 'committed', { from, maxBytes: 1 })
      expect(rows.map((row) => [row.offset, row.value])).toEqual(left.filter(([offset]) => Number(offset) >= from))
    }
  })

  it('find the latest value of each key after compaction, tombstones included', async () => {
    const { log } = world()
    const partition = await newCompacted()
    const model = new Map<string, readonly [offset: number, value: string | null]>()
    for (let round = 0; round < 30; round++) {
      const rows = Array.from({ length: 10 }, (_, i) => {
        const key = `key ${(round * 7 + i * 3) % 25}`
        return { key, value: (round + i) % 5 === 0 ? null : `value ${round}.${i}` }
      })
      rows.forEach(({ key, value }, i) => model.set(key, [round * 10 + i, value]))
      await put(log, partition, batchOf(rows))
    }
    await put(log, partition, batchOf([closing]))
    model.set(closing.key, [300, closing.value])
    await world().compact(partition.topic)

    const expected = [...model].map(([key, [offset, value]]) => ({ offset, key, value }))
    const rows = await readAll(log, partition)
    expect(rows).toMatchObject(expected.sort((a, b) => a.offset - b.offset))
    expect(rows.some(({ value }) => value === null)).toBe(true)
  })

  it('find all records of a transaction that was open during compaction', async () => {
    const { log } = world()
    const partition = await newCompacted()
    await using channel = await transactionsOf(log, world().name('id'))
    for (let i = 0; i < 5; i++) await put(log, partition, batchOf([{ key: 'k', value: `old ${i}` }]))
    await put(log, partition, batchOf([closing]))
    await channel.begin([partition], undefined)
    const open = (i: number): RowToWrite => ({ key: 'k', value: `open ${i}`, timestamp: closing.timestamp })
    for (let i = 0; i < 5; i++) await channel.append(partition, batchOf([open(i)]))
    await put(log, partition, batchOf([{ key: 'k', value: 'plain', timestamp: closing.timestamp }]))
    await put(log, partition, batchOf([{ ...closing, timestamp: closing.timestamp + hourMs }]))
    await world().compact(partition.topic)

    await channel.commit()
    await settled(log, partition)
    const values = (await readAll(log, partition)).map((row) => row.value)
    const others = ['open 0', 'open 1', 'open 2', 'open 3', 'open 4', 'plain', closing.value]
    expect(values).toEqual(['old 4', closing.value, ...others])
  })
}
