import fc from 'fast-check'
import type { Offset, TopicPartition } from '../../core/record.js'
import type { CommitChannel, LogPort } from '../../log/port.js'
import type { World } from './contract-log.js'
import { batchOf, newTopic, allPartitions, readAll, settled, transactionsOf } from './rows.js'

const producers = 3
const plain = producers

interface Step {
  readonly producer: number
  readonly act: 'append' | 'commit' | 'abort'
  readonly partition: number
  readonly records: number
}

interface Written {
  readonly offset: Offset
  readonly value: string
  fate: 'open' | 'commit' | 'abort'
}

export function scheduleContract(world: World): void {
  describe('interleaved transactions', () => {
    it('read back as the model says, for any schedule of commits and aborts and any place to start', async () => {
      const step = fc.record<Step>({
        producer: fc.integer({ min: 0, max: plain }),
        act: fc.constantFrom('append', 'append', 'append', 'commit', 'abort'),
        partition: fc.integer({ min: 0, max: 1 }),
        records: fc.integer({ min: 1, max: 40 }),
      })
      const schedule = fc.array(step, { minLength: 10, maxLength: 60 })
      const reading = fc.record({
        start: fc.double({ min: 0, max: 1, noNaN: true }),
        maxBytes: fc.integer({ min: 1, max: 3_000 }),
      })
      await fc.assert(
        fc.asyncProperty(schedule, reading, async (steps, { start, maxBytes }) => {
          const partitions = allPartitions(await newTopic(world(), 2), 2)
          const run = new Schedule(world().log, partitions)
          await run.play(steps, () => world().name('id'))
          for (const at of partitions) {
            const written = run.written[at.partition]!
            const from = Math.floor(start * written.length)
            const expected = written.filter((row) => row.fate === 'commit' && row.offset >= from)
            const rows = await readAll(world().log, at, 'committed', { from, maxBytes })
            expect(rows.map((row) => [row.offset, row.value])).toEqual(expected.map((row) => [row.offset, row.value]))
          }
        }),
        { numRuns: 8, endOnFailure: true },
      )
    })
  })
}

class Schedule {
  readonly written: Written[][]
  readonly #log: LogPort
  readonly #partitions: readonly TopicPartition[]
  #values = 0

  constructor(log: LogPort, partitions: readonly TopicPartition[]) {
    this.#log = log
    this.#partitions = partitions
    this.written = partitions.map(() => [])
  }

  async play(steps: readonly Step[], newId: () => string): Promise<void> {
    const open: (Written[] | undefined)[] = []
    const channels: CommitChannel[] = []
    for (let i = 0; i < producers; i++) channels.push(await transactionsOf(this.#log, newId()))
    const end = async (producer: number, act: 'commit' | 'abort'): Promise<void> => {
      await channels[producer]![act]()
      for (const row of open[producer] ?? []) row.fate = act
      open[producer] = undefined
    }
    for (const { producer, act, partition, records } of steps) {
      if (producer === plain) await this.#plain(partition, records)
      else if (act !== 'append') await (open[producer] === undefined ? undefined : end(producer, act))
      else {
        if (open[producer] === undefined) await channels[producer]!.begin(this.#partitions, undefined)
        const rows = await this.#append(channels[producer]!, partition, records)
        open[producer] = [...(open[producer] ?? []), ...rows]
      }
    }
    for (let i = 0; i < producers; i++) if (open[i] !== undefined) await end(i, i % 2 === 0 ? 'commit' : 'abort')
    for (const at of this.#partitions) await settled(this.#log, at)
    for (const rows of this.written) rows.sort((a, b) => a.offset - b.offset)
    for (const channel of channels) await channel[Symbol.asyncDispose]()
  }

  async #append(channel: CommitChannel, partition: number, records: number): Promise<Written[]> {
    const values = Array.from({ length: records }, () => `value ${this.#values++}`)
    const { baseOffset } = await channel.append(this.#partitions[partition]!, batchOf(values))
    const rows = values.map((value, i): Written => ({ offset: baseOffset + i, value, fate: 'open' }))
    this.written[partition]!.push(...rows)
    return rows
  }

  async #plain(partition: number, records: number): Promise<void> {
    await using channel = await this.#log.idempotent()
    await channel.begin([this.#partitions[partition]!], undefined)
    for (const row of await this.#append(channel, partition, records)) row.fate = 'commit'
    await channel.commit()
  }
}
