import { types } from 'node:util'
import { reasonOf } from '../core/errors.js'
import { anything, callback, checkOptions, required, type Rules } from '../core/options.js'
import { demand, type ContractCheck } from './contract.js'
import { twoPhaseChecks } from './contract-two-phase.js'
import {
  batchOf,
  benchOf,
  demandCounts,
  type OpenSink,
  type SinkBench,
  type SinkContractOptions,
} from './sink-bench.js'

export type { SinkContractOptions }

const rules: Rules<SinkContractOptions<never>> = {
  connector: required(callback('a function that gives your connector, () => yourSink(…)')),
  value: required(callback('a function that gives a value for a number')),
  count: required(callback('a function that says how often the target has a value')),
  refused: anything,
}

/**
 * What a sink connector must do so that its records come as often as is promised, as checks for any test framework. Checks are run one
 * after the other. Which of the three kinds of targets it is, is seen from what it opens. Throws `OPTIONS_INVALID`.
 */
export function sinkContract<V>(options: SinkContractOptions<V>): readonly ContractCheck[] {
  checkOptions('sinkContract', options, rules)
  const bench = benchOf(options)
  return [
    check(bench, 'has a batch once write has resolved', async ({ sink }, partition) => {
      const values = bench.values(3)
      await sink.write?.(batchOf(values, partition, 0))
      if (sink.write !== undefined) await demandCounts(bench, values, 'after write', (count) => count === 1)
    }),
    check(bench, 'takes the same batch again', async ({ sink }, partition) => {
      if (sink.write === undefined || sink.offset !== undefined) return
      const batch = batchOf(bench.values(2), partition, 0)
      await sink.write(batch)
      await sink.write(batch)
      await demandCounts(
        bench,
        batch.records.map(({ value }) => value as V),
        'after it was written twice',
        (count) => count >= 1,
      )
    }),
    check(bench, 'takes batches of several partitions at the same time', async ({ sink }, partition) => {
      if (sink.write === undefined) return
      const other = bench.partition()
      const second = await bench.open(other)
      const values = bench.values(4)
      await Promise.all([
        sink.write(batchOf(values.slice(0, 2), partition, 0)),
        second.sink.write?.(batchOf(values.slice(2), other, 0)),
      ])
      await second.close()
      await demandCounts(bench, values, 'after two partitions were written', (count) => count === 1)
    }),
    ...refusals(bench),
    ...offsets(bench),
    ...twoPhaseChecks(bench),
    {
      name: 'ends close when the signal is aborted',
      run: async () => {
        const open = await bench.open(bench.partition())
        await open.close()
      },
    },
  ]
}

function refusals<V>(bench: SinkBench<V>): readonly ContractCheck[] {
  const { refused } = bench.options
  if (refused === undefined) return []
  return [
    check(bench, 'names the records that it refuses, and takes the batch without them', async ({ sink }, partition) => {
      if (sink.write === undefined) return
      const [first, last] = bench.values(2) as [V, V]
      const error = await failureOf(() => sink.write?.(batchOf([first, refused, last], partition, 0)))
      const { name, records } = (error ?? {}) as { name?: unknown; records?: unknown }
      const offsets = name === 'SinkRefused' && types.isMap(records) ? [...(records as Map<number, string>).keys()] : []
      demand(
        offsets.length === 1 && offsets[0] === 1,
        `a batch with a value that is refused at offset 1 must reject with SinkRefused for offset 1; it ${error === undefined ? 'resolved' : `rejected with ${reasonOf(error)} for offsets ${offsets.join(', ') || 'none'}`}`,
      )
      const rest = batchOf([first, last], partition, 0)
      // A target that keeps the offset is opened again by whoever runs it.
      const again = sink.offset === undefined ? { sink, close: async () => undefined } : await bench.open(partition)
      await again.sink.write?.({ ...rest, nextOffset: 3 })
      await again.close()
      await demandCounts(bench, [first, last], 'after the batch was written again without it', (count) => count === 1)
    }),
  ]
}

function offsets<V>(bench: SinkBench<V>): readonly ContractCheck[] {
  return [
    check(bench, 'gives the offset behind what it has, when it is opened again', async (open, partition) => {
      const { sink } = open
      if (sink.offset === undefined) return
      demand(sink.offset === 0, `a partition that was never written must open at offset 0, not ${sink.offset}`)
      const values = bench.values(2)
      await sink.write?.({ ...batchOf(values, partition, 0), nextOffset: 7 })
      await open.close()
      const again = await bench.open(partition)
      await again.close()
      demand(
        again.sink.offset === 7,
        `after a batch with nextOffset 7 it must open at 7, not ${String(again.sink.offset)}`,
      )
    }),
    check(bench, 'writes nothing for who was overtaken by another', async ({ sink }, partition) => {
      if (sink.offset === undefined) return
      const other = await bench.open(partition)
      const batch = batchOf(bench.values(2), partition, 0)
      await other.sink.write?.(batch)
      await other.close()
      const late = await failureOf(() => sink.write?.(batch))
      demand(
        late !== undefined,
        'a batch that another has written must be refused to who opened before, and write has resolved',
      )
      await demandCounts(
        bench,
        batch.records.map(({ value }) => value as V),
        'after two had written it',
        (count) => count === 1,
      )
    }),
  ]
}

function check<V>(
  bench: SinkBench<V>,
  name: string,
  act: (open: OpenSink<V>, partition: number) => Promise<void>,
): ContractCheck {
  return {
    name,
    run: async () => {
      const partition = bench.partition()
      const open = await bench.open(partition)
      try {
        await act(open, partition)
      } finally {
        await open.close()
      }
    },
  }
}

/** What a call fails with; undefined: it does not. */
async function failureOf(act: () => void | Promise<void>): Promise<unknown> {
  try {
    await act()
    return undefined
  } catch (error) {
    return error ?? new Error(String(error))
  }
}
