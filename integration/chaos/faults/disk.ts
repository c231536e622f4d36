import { cp, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Instance } from '../fleet.js'
import type { Random } from '../random.js'
import type { ChaosWorld } from '../world.js'
import type { Fault } from './fault.js'
import { fillUp } from './restart.js'

interface Damage {
  readonly what: string
  readonly to: (store: string, random: Random) => Promise<boolean>
}

const filesIn = async (store: string, which: RegExp): Promise<string[]> =>
  (await readdir(store)).filter((name) => which.test(name)).map((name) => join(store, name))

/** Each returns whether there was something to damage. */
const damages: readonly Damage[] = [
  {
    what: 'its LevelDB directory deleted',
    async to(store) {
      await rm(store, { recursive: true })
      return true
    },
  },
  {
    what: 'a table file removed',
    async to(store, random) {
      const tables = await filesIn(store, /\.ldb$/)
      if (tables.length > 0) await rm(random.pick(tables))
      return tables.length > 0
    },
  },
  {
    what: 'MANIFEST cut',
    async to(store, random) {
      const [manifest] = await filesIn(store, /^MANIFEST-/)
      if (manifest === undefined) return false
      const { length } = await readFile(manifest)
      await truncate(manifest, random.between(0, Math.max(0, length - 1)))
      return true
    },
  },
  {
    what: 'CURRENT removed',
    async to(store) {
      const [current] = await filesIn(store, /^CURRENT$/)
      if (current !== undefined) await rm(current)
      return current !== undefined
    },
  },
]

/** The stores below a data directory. */
async function storesIn(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return []
  const found: string[] = []
  for (const slot of await readdir(directory)) {
    for (const name of await readdir(join(directory, slot))) {
      if (/^task-\d+$/.test(name)) found.push(join(directory, slot, name))
    }
  }
  return found
}

/** Ends one that has its directory for itself: by a clean stop or a kill. */
async function endOne(world: ChaosWorld): Promise<Instance | undefined> {
  const { fleet, random } = world
  const isAlone = (one: Instance): boolean =>
    fleet.alive.filter(({ directory }) => directory === one.directory).length === 1
  const alone = fleet.alive.filter(isAlone)
  if (alone.length === 0) return undefined
  const victim = random.pick(alone)
  if (random.chance(0.5)) await fleet.stop(victim)
  else {
    world.counters.kills++
    await fleet.kill(victim)
  }
  return victim
}

export const diskFaults: readonly Fault[] = [
  {
    family: 'disk',
    name: 'damage',
    weight: 4,
    async run(world) {
      const { random, fleet } = world
      const victim = await endOne(world)
      if (victim === undefined) return 'disk: nobody has a directory for itself'
      const done: string[] = []
      for (const store of await storesIn(fleet.stateIn(victim.directory))) {
        const damage = random.pick(damages)
        if (!random.chance(0.7) || !(await damage.to(store, random))) continue
        world.counters.diskFaults++
        done.push(`${store.slice(-'task-0'.length)} ${damage.what}`)
      }
      const again = world.startOne({ directory: victim.directory })
      await fillUp(world)
      return `${done.join(', ') || 'nothing to damage'}; ${victim.name} is ${again?.name} now`
    },
  },
  {
    family: 'disk',
    name: 'old-copy',
    weight: 2,
    async run(world) {
      const { fleet, dir } = world
      const victim = await endOne(world)
      if (victim === undefined) return 'disk: nobody has a directory for itself'
      const copy = join(dir, `copy-of-${victim.directory.slice(dir.length + 1)}`)
      const had = existsSync(copy)
      if (had) {
        await rm(victim.directory, { recursive: true, force: true })
        await cp(copy, victim.directory, { recursive: true })
        await rm(copy, { recursive: true })
        world.counters.diskFaults++
      } else if (existsSync(fleet.stateIn(victim.directory))) await cp(victim.directory, copy, { recursive: true })
      const again = world.startOne({ directory: victim.directory })
      await fillUp(world)
      return `directory of ${victim.name} ${had ? 'put back as it was earlier' : 'copied for later'}; it is ${again?.name} now`
    },
  },
]
