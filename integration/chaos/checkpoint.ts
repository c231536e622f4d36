import type { OracleState } from '../oracle/program.js'
import { demandSame, Divergence } from './divergence.js'
import { fillUp } from './faults/restart.js'
import { committedOf, endsOf } from './positions.js'
import { sleep, until, within } from './waiting.js'
import type { ChaosWorld } from './world.js'

/** Time for restarts, restores and the backlog of what happened before. */
const calmPatienceMs = 120_000
const listPatienceMs = 20_000
/** Tasks may move while objects are listed; a difference counts when it stays. */
const listings = 4

/**
 * Without faults and without new input: the app catches up, all of it is committed, and the objects that all processes list
 * together are the fold over the input. Input is paused afterwards.
 */
export async function checkpoint(world: ChaosWorld): Promise<void> {
  const { feeder, fleet, follower, input } = world
  await feeder.pause()
  await fillUp(world)
  const allReady = (): boolean => world.ready.length === fleet.alive.length
  await until(calmPatienceMs, () => `all instances to be ready:\n${fleet.report()}`, allReady)
  const missing = (): string => `${input.records - follower.updates} of ${input.records} updates:\n${fleet.report()}`
  await until(calmPatienceMs, missing, () => follower.updates === input.records)
  await demandCommitted(world)
  await demandStates(world)
  world.counters.checkpoints++
}

/** Committed offsets are the ends of what is read. Commits over control records alone take a second. */
async function demandCommitted({ log, app, sources, fleet }: ChaosWorld): Promise<void> {
  let behind = ''
  const isThere = async (): Promise<boolean> => {
    const ends = await endsOf(log, sources, 'all')
    const committed = await committedOf(log, app, sources)
    behind = [...ends]
      .filter(([at, end]) => (committed.get(at) ?? 0) !== end)
      .map(([at, end]) => `${at}: ${committed.get(at)} instead of ${end}`)
      .join(', ')
    return behind === ''
  }
  await until(30_000, () => `committed offsets to be the end of the input: ${behind}\n${fleet.report()}`, isThere)
}

async function demandStates(world: ChaosWorld): Promise<void> {
  for (let listing = 1; ; listing++) {
    try {
      return demandSame('state, as listed by all processes', await listAll(world), world.input.states)
    } catch (error) {
      if (!(error instanceof Divergence) || listing === listings) throw error
      await sleep(world.options.sessionTimeoutMs)
    }
  }
}

async function listAll({ fleet }: ChaosWorld): Promise<ReadonlyMap<string, OracleState>> {
  const lists = await Promise.all(
    fleet.alive.map(async ({ name, process }) => {
      const objects = await within(listPatienceMs, `the objects of instance ${name}`, process.list())
      return { name, objects }
    }),
  )
  const all = new Map<string, OracleState>()
  const owner = new Map<string, string>()
  for (const { name, objects } of lists) {
    for (const [key, state] of objects) {
      if (owner.has(key)) throw new Divergence('objects have one owner', key, owner.get(key), name)
      owner.set(key, name)
      all.set(key, state)
    }
  }
  return all
}
