import { demand, type ContractCheck } from './contract.js'
import { batchOf, demandCounts, type SinkBench } from './sink-bench.js'
import type { TwoPhase } from './sink.js'

/** Of targets that commit in two phases; nothing to check of others. */
export function twoPhaseChecks<V>(bench: SinkBench<V>): readonly ContractCheck[] {
  const check = (
    name: string,
    act: (target: TwoPhase<V>, partition: number, again: () => Promise<TwoPhase<V>>) => Promise<void>,
  ): ContractCheck => ({
    name,
    run: async () => {
      const partition = bench.partition()
      const open = [await bench.open(partition)]
      const target = open[0]?.sink.twoPhase
      const again = async (): Promise<TwoPhase<V>> => {
        await open.at(-1)?.close()
        const next = await bench.open(partition)
        open.push(next)
        return next.sink.twoPhase as TwoPhase<V>
      }
      try {
        if (target !== undefined) await act(target, partition, again)
      } finally {
        await open.at(-1)?.close()
      }
    },
  })
  return [
    check('shows what is prepared once it is committed, and not before', async (target, partition) => {
      const values = bench.values(2)
      const id = `contract~${partition}~0~2`
      await target.prepare(id, batchOf(values, partition, 0))
      await demandCounts(bench, values, 'after prepare', (count) => count === 0)
      await target.commit(id)
      await demandCounts(bench, values, 'after commit', (count) => count === 1)
      demand(!(await target.pending()).includes(id), 'pending must not name what was committed')
    }),
    check(
      'knows what was prepared when it is opened again, and can end it either way',
      async (target, partition, again) => {
        const [kept, dropped] = bench.values(2) as [V, V]
        const ids = [`contract~${partition}~0~1`, `contract~${partition}~1~2`] as const
        await target.prepare(ids[0], batchOf([kept], partition, 0))
        await target.prepare(ids[1], batchOf([dropped], partition, 1))
        const next = await again()
        const pending = await next.pending()
        demand(
          ids.every((id) => pending.includes(id)),
          `pending must name ${ids.join(' and ')}; it gave ${pending.join(', ') || 'nothing'}`,
        )
        await next.commit(ids[0])
        await next.abort(ids[1])
        await demandCounts(bench, [kept], 'after commit', (count) => count === 1)
        await demandCounts(bench, [dropped], 'after abort', (count) => count === 0)
      },
    ),
  ]
}
