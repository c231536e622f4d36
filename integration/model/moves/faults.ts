import type { World } from '../rules/world.js'
import { newCommit } from '../state/commit.js'
import type { Partition } from '../state/log.js'
import type { Change } from '../state/objects.js'
import { runs, type Process } from '../state/process.js'
import type { Source } from '../state/records.js'
import { callRound } from './broker/group.js'
import { compact } from './broker/log.js'
import { end, fence } from './broker/transactions.js'
import { newProducer } from './process/dropping.js'

/** A process starts: with its stores, with none, or with what another one left. */
export function start(world: World, process: Process, x: number): boolean {
  if (process.up) return false
  const sameId = (x & 1) === 1
  // InitProducerId with the same transactional id ends what the dead incarnation left open; with a new id it is left to others.
  if (sameId && process.lastTx !== undefined) end(world, process.lastTx, 'aborted')
  if (!sameId) process.lastTx = undefined
  newProducer(world, process)
  if ((x & 14) === 14) process.stores.clear()
  else if ((x & 30) === 12) takeStoresOf(world, process, x >> 5)
  Object.assign(process, {
    up: true,
    paused: false,
    status: 'none',
    memberId: 0,
    generation: -1,
    joinGeneration: -1,
    tasks: new Map(),
    current: newCommit(),
    inFlight: undefined,
    partitionCounts: world.topics.map((sources) => sources.length),
    incarnation: process.incarnation + 1,
    careful: new Set(),
    halving: undefined,
    culprits: new Set(),
    late: [],
  })
  process.quarantine.clear()
  process.flights.clear()
  process.standing.clear()
  world.say(() => `p${process.id}: starts with stores of tasks {${[...process.stores.keys()].join(',')}}`)
  return true
}

/** The directory of a process that is down, whose locks are free. */
function takeStoresOf(world: World, process: Process, x: number): void {
  const other = world.processes[x % world.processes.length]
  if (other === undefined || other === process || other.up) return
  process.stores.clear()
  for (const [task, store] of other.stores) process.stores.set(task, store)
  other.stores.clear()
}

/** SIGSTOP, and later SIGCONT. */
export function pause(world: World, process: Process, x: number): boolean {
  if (!process.up || (!process.paused && (x & 7) !== 0)) return false
  process.paused = !process.paused
  world.say(() => `p${process.id}: ${process.paused ? 'is stopped' : 'is resumed'}`)
  return true
}

/** The broker aborts a transaction that was open for too long. */
export function transactionTimeout(world: World, process: Process, x: number): boolean {
  for (const tx of world.open) {
    if (tx.process !== process) continue
    const abandoned = !runs(process) || tx.producer !== process.producer
    if (!abandoned && (x & 15) !== 5) continue
    world.say(() => `broker: transaction ${tx.id} of p${process.id} timed out`)
    fence(world, tx)
    return true
  }
  return false
}

/** Nobody was in the group for so long that its offsets are gone. */
export function expireOffsets(world: World): boolean {
  const { group, config } = world
  if (!config.expiry || group.members.size > 0 || group.pending.size > 0 || group.committed.size === 0) return false
  group.committed.clear()
  world.say(() => 'group: its offsets have expired')
  return true
}

/** The answer of EndTxn, or the request, is lost for good; the producer is opened anew, which aborts what is still open. */
export function loseAnswer(world: World, process: Process): boolean {
  const { inFlight } = process
  if (!runs(process) || inFlight?.accepted !== true || inFlight.tx === undefined || process.fenced) return false
  if (inFlight.sends.length > 0) return false
  world.say(() => `p${process.id}: the answer to EndTxn of transaction ${inFlight.tx?.id} is lost`)
  end(world, inFlight.tx, 'aborted')
  process.fenced = true
  return true
}

export function cleanChangelog(world: World, x: number): boolean {
  return compact(world, world.changelogs[x % world.changelogs.length] as Partition<Change>)
}

/** The first topic gets as many partitions again. */
export function grow(world: World): boolean {
  if (world.grown || !world.config.growth) return false
  world.grown = true
  const before = (world.topics[0] as Source[]).length
  for (let i = 0; i < before; i++) addSource(world, 0)
  if (world.group.members.size > 0) callRound(world)
  world.say(() => `topic 0 grows from ${before} to ${2 * before} partitions`)
  return true
}

export function addSource(world: World, topic: number): void {
  const siblings = (world.topics[topic] ??= [])
  const partition = siblings.length
  const id = world.sources.length
  const source: Source = {
    id,
    name: `topic${topic}[${partition}]`,
    topic,
    partition,
    log: [],
    last: new Map(),
    latest: 0,
    wasSilent: world.grown,
  }
  siblings.push(source)
  world.sources.push(source)
}

/** Metadata is refreshed. Only rule `route-in-place` broken looks at it. */
export function refreshMetadata(world: World, process: Process): boolean {
  if (!runs(process)) return false
  process.partitionCounts = world.topics.map((sources) => sources.length)
  return world.broken['route-in-place'] !== undefined
}
