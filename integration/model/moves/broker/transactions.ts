import { foldOutput } from '../../checks/truth.js'
import type { World } from '../../rules/world.js'
import type { Client, Partition, Transaction } from '../../state/log.js'
import type { Output } from '../../state/records.js'
import { append, appendMarker } from './log.js'

/** Undefined while the markers of the producer's last transaction are on their way (CONCURRENT_TRANSACTIONS). */
export function begin(world: World, process: Client): Transaction | undefined {
  if (process.lastTx !== undefined && !process.lastTx.done) return undefined
  const tx: Transaction = {
    id: ++world.lastId,
    process,
    producer: process.producer,
    state: 'open',
    partitions: new Set(),
    outputs: [],
    offsets: undefined,
    markersDue: [],
    done: false,
  }
  world.open.add(tx)
  process.lastTx = tx
  return tx
}

/** EndTxn, or what fencing and time-outs do. Nothing happens to a transaction that is decided. The broker commits whatever became of the offsets. */
export function end(world: World, tx: Transaction, state: 'committed' | 'aborted'): void {
  if (tx.state !== 'open') return
  tx.state = state
  world.open.delete(tx)
  tx.markersDue = [...tx.partitions, ...(tx.offsets === undefined ? [] : ['offsets' as const])]
  if (state === 'committed') {
    world.counts.commits++
    for (const output of tx.outputs) foldOutput(world, world.truth, output)
  } else world.counts.aborts++
  if (tx.markersDue.length > 0) world.ending.push(tx)
  else tx.done = true
}

/** One marker of one ended transaction arrives. */
export function writeMarker(world: World, which: number, where: number): boolean {
  if (world.ending.length === 0) return false
  const index = which % world.ending.length
  const tx = world.ending[index] as Transaction
  const [place] = tx.markersDue.splice(where % tx.markersDue.length, 1) as [Partition<never> | 'offsets']
  if (place === 'offsets') {
    world.group.pending.delete(tx)
    if (tx.state === 'committed')
      for (const [input, offset] of tx.offsets ?? []) world.group.committed.set(input, offset)
  } else appendMarker(world, place, tx)
  world.say(
    () =>
      `broker: ${tx.state === 'committed' ? 'commit' : 'abort'} marker of transaction ${tx.id} on ${place === 'offsets' ? 'the offsets' : place.name}`,
  )
  if (tx.markersDue.length === 0) {
    tx.done = true
    world.ending.splice(index, 1)
  }
  return true
}

/** InitProducerId by somebody else, or the transaction's time-out: it is aborted, and its producer learns that it is fenced. */
export function fence(world: World, tx: Transaction): void {
  world.counts.fenced++
  end(world, tx, 'aborted')
  if (tx.process.producer === tx.producer) tx.process.fenced = true
}

export function emit(world: World, partition: Partition<Output>, tx: Transaction, output: Output): void {
  append(world, partition, tx, output)
  tx.outputs.push(output)
}
