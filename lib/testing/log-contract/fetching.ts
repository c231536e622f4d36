import { PositionMap } from '../../core/record.js'
import type { Fetched, Fetcher } from '../../log/port.js'
import type { World } from './contract-log.js'
import { batchOf, known, newTopic, allPartitions, positionOf, put, rowsOf, soon } from './rows.js'

export function fetchingContract(world: World): void {
  const live = (): Fetcher => world().log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes: 1_000_000 })
  const values = (answer: readonly Fetched[]): (string | null)[] => answer.flatMap(rowsOf).map((row) => row.value)
  const from = (topic: string, ...offsets: number[]): PositionMap['topics'] =>
    PositionMap.of(offsets.map((offset, partition) => [topic, partition, offset])).topics
  /** Values of the coming answers, until there are `count`. */
  const take = async (fetcher: Fetcher, count: number): Promise<(string | null)[]> => {
    const taken: (string | null)[] = []
    while (taken.length < count) taken.push(...values(await fetcher.next(soon())))
    return taken
  }

  describe('a fetcher', () => {
    it('waits at the end and wakes when data comes', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using fetcher = live()
      fetcher.assign(positionOf(partition, 0))
      for (const value of ['one', 'two', 'three']) {
        const waiting = fetcher.next(soon())
        await put(world().log, partition, batchOf([value]))
        expect(values(await waiting)).toEqual([value])
      }
    })

    it('ends a wait with an empty answer when the signal aborts, and loses nothing by it', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      await using fetcher = live()
      fetcher.assign(positionOf(partition, 0))
      const stop = new AbortController()
      const waiting = fetcher.next(stop.signal)
      for (let i = 0; i < 5; i++) await world().log.admin.describe([partition.topic])
      stop.abort()
      expect(await waiting).toEqual([])
      expect(await fetcher.next(stop.signal)).toEqual([])
      await put(world().log, partition, batchOf(['after']))
      expect(await take(fetcher, 1)).toEqual(['after'])
    })

    it('waits when nothing is assigned', async () => {
      await using fetcher = live()
      const stop = new AbortController()
      const waiting = fetcher.next(stop.signal)
      stop.abort()
      expect(await waiting).toEqual([])
    })

    it('hands out nothing of a paused partition, and goes on where it was when it is resumed', async () => {
      const [paused, running] = allPartitions(await newTopic(world(), 2), 2)
      await using fetcher = live()
      fetcher.assign(from(paused!.topic, 0, 0))
      await put(world().log, paused!, batchOf(['p0']))
      expect(await take(fetcher, 1)).toEqual(['p0'])

      const waiting = fetcher.next(soon())
      fetcher.pause(paused!)
      await put(world().log, paused!, batchOf(['p1']), batchOf(['p2']))
      await put(world().log, running!, batchOf(['r0']))
      expect(values(await waiting)).toEqual(['r0'])
      const resuming = fetcher.next(soon())
      fetcher.resume(paused!)
      const first = values(await resuming)
      expect([...first, ...(first.length < 2 ? await take(fetcher, 2 - first.length) : [])]).toEqual(['p1', 'p2'])
    })

    it('keeps a partition paused that is assigned anew, and forgets the pause of one that was not assigned meanwhile', async () => {
      const [paused, running] = allPartitions(await newTopic(world(), 2), 2)
      await put(world().log, paused!, batchOf(['p0']))
      await put(world().log, running!, batchOf(['r0']))
      await using fetcher = live()
      fetcher.assign(from(paused!.topic, 0, 0))
      fetcher.pause(paused!)
      fetcher.assign(from(paused!.topic, 0, 0))
      expect(await take(fetcher, 1)).toEqual(['r0'])
      fetcher.assign(positionOf(running!, 0))
      expect(await take(fetcher, 1)).toEqual(['r0'])
      fetcher.assign(from(paused!.topic, 0, 1))
      expect(await take(fetcher, 1)).toEqual(['p0'])
    })

    it('reads again from the offset given when a partition is assigned anew', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      await put(world().log, partition, batchOf(['a']), batchOf(['b']), batchOf(['c']))
      await using fetcher = live()
      fetcher.assign(positionOf(partition, 0))
      expect(await take(fetcher, 3)).toEqual(['a', 'b', 'c'])
      fetcher.assign(positionOf(partition, 1))
      expect(await take(fetcher, 2)).toEqual(['b', 'c'])
    })

    it('never hands out what was asked for before the partition was assigned anew', async () => {
      const topic = await newTopic(world(), 2)
      const [first, second] = allPartitions(topic, 2)
      const rows = Array.from({ length: 50 }, (_, i) => `${i}`)
      await put(world().log, first!, ...rows.map((value) => batchOf([value])))
      await put(world().log, second!, batchOf(['second']))
      await using fetcher = live()
      for (const offset of [0, 20, 49, 3, 48]) {
        fetcher.assign(positionOf(second!, 0))
        const waiting = fetcher.next(soon())
        fetcher.assign(positionOf(first!, offset))
        const answer = await waiting
        const more = answer.length === 0 ? await fetcher.next(soon()) : answer
        expect(more.map((fetched) => fetched.from)).toEqual([offset])
        expect(values(more)[0]).toBe(`${offset}`)
      }
    })

    it('reads no more of a partition that is no longer assigned', async () => {
      const [kept, dropped] = allPartitions(await newTopic(world(), 2), 2)
      await using fetcher = live()
      fetcher.assign(from(kept!.topic, 0, 0))
      const waiting = fetcher.next(soon())
      fetcher.assign(positionOf(kept!, 0))
      await put(world().log, dropped!, batchOf(['dropped']))
      await put(world().log, kept!, batchOf(['kept']))
      expect(values(await waiting)).toEqual(['kept'])
    })

    it('reads many partitions, each in order', async () => {
      const count = 40
      const topic = await newTopic(world(), count)
      const partitions = allPartitions(topic, count)
      await using channel = await world().log.idempotent()
      await channel.begin(partitions, undefined)
      const rounds = Array.from({ length: 5 }, (_, round) => round)
      for (const round of rounds)
        await Promise.all(partitions.map((at) => channel.append(at, batchOf([`${at.partition}:${round}`]))))
      await channel.commit()

      await using fetcher = live()
      fetcher.assign(from(topic, ...partitions.map(() => 0)))
      const taken = await take(fetcher, count * rounds.length)
      for (const { partition } of partitions) {
        const own = taken.filter((value) => value!.startsWith(`${partition}:`))
        expect(own).toEqual(rounds.map((round) => `${partition}:${round}`))
      }
      expect(taken.length).toBe(count * rounds.length)
    })

    it('names the partition that is out of range, and goes on when it is assigned a good offset', async () => {
      const topic = await newTopic(world(), 2)
      const [good, bad] = allPartitions(topic, 2)
      await put(world().log, bad!, batchOf(['x']))
      await using fetcher = live()
      fetcher.assign(from(topic, 0, 5))
      await expect(fetcher.next(soon())).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', topic, partition: 1 })
      fetcher.assign(from(topic, 0, 0))
      await put(world().log, good!, batchOf(['y']))
      expect((await take(fetcher, 2)).sort()).toEqual(['x', 'y'])
    })

    it('never reads another topic of the same name, be it known by its id or because it was read before', async () => {
      const { log } = world()
      const topic = await newTopic(world(), 2)
      const [read, assigned] = allPartitions(topic, 2)
      await put(log, read!, batchOf(['old']))
      const ids = new Map([[topic, known((await log.admin.describe([topic])).get(topic)).id]])
      await using reading = live()
      reading.assign(positionOf(read!, 0))
      expect(await take(reading, 1)).toEqual(['old'])
      await world().deleteTopic(topic)
      await log.admin.create([{ name: topic, partitions: 2, replicationFactor: -1, configs: {} }])
      // More than there were: by its offset alone it would be read.
      for (const at of [read!, assigned!]) await put(log, at, batchOf(['new', 'new']))
      await using waiting = live()
      waiting.assign(positionOf(assigned!, 1), ids)
      for (const [fetcher, { partition }] of [
        [reading, read!],
        [waiting, assigned!],
      ] as const) {
        await expect(fetcher.next(soon())).rejects.toMatchObject({
          code: 'OFFSET_OUT_OF_RANGE',
          topic,
          partition,
          offset: 1,
          message: expect.stringContaining('the topic was deleted and made anew'),
        })
      }
      const now = new Map([[topic, known((await log.admin.describe([topic])).get(topic)).id]])
      for (const fetcher of [reading, waiting]) {
        fetcher.assign(positionOf(read!, 0), now)
        expect(await take(fetcher, 2)).toEqual(['new', 'new'])
      }
    })

    it('answers with no more of a partition than maxBytes when its batches are smaller', async () => {
      const [first, second] = allPartitions(await newTopic(world(), 2), 2)
      for (const at of [first!, second!]) {
        await put(world().log, at, ...Array.from({ length: 20 }, () => batchOf(['x'.repeat(300)])))
      }
      await using fetcher = world().log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes: 1_000 })
      fetcher.assign(from(first!.topic, 0, 0))
      let records = 0
      while (records < 40) {
        for (const fetched of await fetcher.next(soon())) {
          expect(fetched.bytes.length).toBeLessThanOrEqual(1_000)
          records += rowsOf(fetched).length
        }
      }
    })

    it('tells the end of the log with each answer', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      await put(world().log, partition, batchOf(['a', 'b']), batchOf(['c']))
      await using fetcher = live()
      fetcher.assign(positionOf(partition, 1))
      const [fetched] = await fetcher.next(soon())
      expect(fetched).toMatchObject({
        ...partition,
        from: 1,
        isolation: 'committed',
        highWatermark: 3,
        lastStableOffset: 3,
      })
    })
  })
}
