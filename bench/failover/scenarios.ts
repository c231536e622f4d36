import { measure, type Measured } from './event.js'
import type { MemberProcess } from './member-process.js'
import { wallClock, until, pause } from './wall-clock.js'
import { World, type Conditions, type Setup } from './world.js'

/** What is measured of an instance that comes back after `kill -9`. */
export interface Comeback {
  readonly restored: number
  /** Updates of its tasks in the second before it was killed, and since the beginning. */
  readonly lastSecond: number
  readonly inAll: number
}

export type Note = (scenario: string, measured: Measured & Partial<Comeback>) => void

/** Where the dead owner's transaction is left to its time-out, its tasks are silent for 10 s more. */
const beyondSessionMs = 2_000

export const setups: readonly Setup[] = [
  { name: 'own', keysPerTask: 1_000 },
  { name: 'shared', keysPerTask: 1_000, sharedDir: true },
  { name: 'standby', keysPerTask: 1_000, standbys: 1 },
  { name: 'large', keysPerTask: 50_000, standbys: 1 },
  { name: 'static', keysPerTask: 1_000, staticMembers: true },
]

/** All events of a setup, one after the other, on topics of its own. */
export async function runSetup(
  app: string,
  setup: Setup,
  conditions: Conditions,
  trace: boolean,
  note: Note,
): Promise<void> {
  const world = await World.open(app, setup, conditions, setup.staticMembers === true ? 3 : 2)
  const event = async (
    name: string,
    act: () => Promise<void>,
    more: () => Partial<Comeback> = () => ({}),
  ): Promise<void> => {
    const measured = await measure(world, `${setup.name}: ${name}`, act, trace)
    await world.verify()
    note(`${setup.name}: ${name}`, { ...measured, ...more() })
    // What the machine held everybody up for just before is no part of it.
    const bearableMs = conditions.sessionTimeoutMs + beyondSessionMs + measured.usualLongestMs
    if (name === 'kill' && measured.movedMs > bearableMs) {
      throw new Error(`${setup.name}: a task was silent for ${Math.round(measured.movedMs)} ms after a kill`)
    }
  }
  try {
    if (setup.keysPerTask > 1_000) await pause(5_000)
    if (setup.staticMembers === true) await comeBack(world, event)
    else {
      await event('join', () => join(world))
      await event('stop', () => leave(world, world.latest, (member) => member.stop()))
      await event('join', () => join(world))
      await event('kill', () => leave(world, world.latest, (member) => killAtWork(world, member)))
    }
    await world.finish()
    await Promise.all([...world.members].map((member) => member.stop()))
  } finally {
    await world.close()
  }
}

async function join(world: World): Promise<void> {
  const member = world.join()
  await until('the newcomer runs', 60_000, () => member.ready !== undefined || member.end !== undefined)
}

async function leave(
  world: World,
  member: MemberProcess,
  how: (member: MemberProcess) => Promise<void>,
): Promise<void> {
  world.members.delete(member)
  await how(member)
}

async function killAtWork(world: World, member: MemberProcess): Promise<void> {
  await world.amidCommit()
  await member.kill()
}

/** A static member is killed and started again at once, on the state it had. */
async function comeBack(
  world: World,
  event: (name: string, act: () => Promise<void>, more: () => Partial<Comeback>) => Promise<void>,
): Promise<void> {
  const { observer } = world
  const gone = world.latest
  // Long enough for what is restored to be a small part of all.
  await pause(5_000)
  const tasks = world.tasksOf(gone)
  let back: MemberProcess | undefined
  let killedAt = 0
  await event(
    'restart',
    async () => {
      killedAt = wallClock()
      await leave(world, gone, (member) => killAtWork(world, member))
      back = world.join(gone)
    },
    () => ({
      restored: back?.ready?.restoredRecords ?? NaN,
      lastSecond: tasks.reduce((sum, task) => sum + observer.updatesOf(task, killedAt - 1_000, killedAt), 0),
      inAll: tasks.reduce((sum, task) => sum + observer.updatesOf(task, 0, killedAt), 0),
    }),
  )
}
