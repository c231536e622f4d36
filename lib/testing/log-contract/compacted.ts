import { systemClock } from '../../core/clock.js'
import type { TopicPartition } from '../../core/record.js'
import type { World } from './contract-log.js'
import { batchOf, endOf, newTopic, put, readAll, settled, transactionsOf, type RowToWrite } from './rows.js'

const minuteMs = 60_000

/** Brokers compact by segments, and close one when a record comes that is later by `segment.ms` than its first. */
const compactEagerly = {
  'cleanup.policy': 'compact',
  'segment.ms': String(10 * minuteMs),
  'min.cleanable.dirty.ratio': '0.01',
}
const last = { key: 'last', value: 'closes what is before' }

/** Closes what is before it: later than the markers, which brokers give the time of day. An hour ahead is refused (KIP-937). */
function closing(minutesAhead = 20): RowToWrite {
  return { ...last, timestamp: systemClock.now() + minutesAhead * minuteMs }
}

export function compactedContract(world: World): void {
  const newCompacted = async (configs: Readonly<Record<string, string>> = {}): Promise<TopicPartition> => ({
    topic: await newTopic(world(), 1, { ...compactEagerly, ...configs }),
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
    // Nothing is left of round 11, and brokers keep the empty batch: it has the last sequence number of its producer.
    await put(log, partition, batchOf(['a', 'b', 'c'].map((key) => ({ key: `${key}2`, value: `${key} plain` }))))
    await put(log, partition, batchOf([closing()]))
    await world().compact(partition.topic)

    // Each round takes four offsets, one of them for its marker. Round 9, after 6, was aborted.
    const latest = [6, 10].flatMap((round) => ['a', 'b', 'c'].map((key, i) => [round * 4 + i, `${key} ${round}`]))
    const left = [...latest, [48, 'a plain'], [49, 'b plain'], [50, 'c plain'], [51, last.value]]
    const end = await endOf(log, partition, 'all')
    expect(end).toBe(52)
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
    await put(log, partition, batchOf([closing()]))
    model.set(last.key, [300, last.value])
    await world().compact(partition.topic)

    const expected = [...model].map(([key, [offset, value]]) => ({ offset, key, value }))
    const rows = await readAll(log, partition)
    expect(rows).toMatchObject(expected.sort((a, b) => a.offset - b.offset))
    expect(rows.some(({ value }) => value === null)).toBe(true)
  })

  it('find all records of a transaction that was open during compaction', async () => {
    const { log } = world()
    // A broker would else compact, between the commit and the reading, what was open before.
    const partition = await newCompacted({ 'min.compaction.lag.ms': String(60 * minuteMs) })
    await using channel = await transactionsOf(log, world().name('id'))
    const timestamp = systemClock.now() - 120 * minuteMs
    for (let i = 0; i < 5; i++) await put(log, partition, batchOf([{ key: 'k', value: `old ${i}`, timestamp }]))
    await put(log, partition, batchOf([closing()]))
    await channel.begin([partition], undefined)
    for (let i = 0; i < 5; i++) await channel.append(partition, batchOf([{ key: 'k', value: `open ${i}` }]))
    await put(log, partition, batchOf([{ key: 'k', value: 'plain' }]))
    await put(log, partition, batchOf([closing(40)]))
    await world().compact(partition.topic)

    await channel.commit()
    await settled(log, partition)
    const values = (await readAll(log, partition)).map((row) => row.value)
    const others = ['open 0', 'open 1', 'open 2', 'open 3', 'open 4', 'plain', last.value]
    expect(values).toEqual(['old 4', last.value, ...others])
  })
}
