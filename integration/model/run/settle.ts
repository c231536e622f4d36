import { violated } from '../checks/violation.js'
import { endRound, sessionTimeout } from '../moves/broker/group.js'
import { fence, writeMarker } from '../moves/broker/transactions.js'
import { pause, refreshMetadata, start } from '../moves/faults.js'
import { commitStep, seal } from '../moves/process/commit.js'
import { fallSilent } from '../moves/process/event-time.js'
import { landOf, runWaiting } from '../moves/process/flights.js'
import { heartbeat } from '../moves/process/membership.js'
import { processRecord } from '../moves/process/records.js'
import { takeoverStep } from '../moves/process/takeover.js'
import { fireTimer } from '../moves/process/timers.js'
import { produce } from '../moves/producer.js'
import { sequenceFrom } from '../rng.js'
import type { World } from '../rules/world.js'
import { highWatermark, isCommitted, type Inbox } from '../state/log.js'
import { read, type Process } from '../state/process.js'
import { taskOf } from '../state/state.js'
import type { Task } from '../state/task.js'

const maxRounds = 3_000

/** Faults have stopped: everybody comes back, everything is read. Never becoming quiet is a violation. */
export function settle(world: World, produceRest: boolean): void {
  const next = sequenceFrom(7)
  if (produceRest) while (world.produced < world.shape.records) produce(world, next())
  for (let round = 0; ; round++) {
    if (round > maxRounds) violated('it never became quiet')
    world.now++
    comeBack(world)
    const x = next()
    for (let i = 0; i < 4; i++) writeMarker(world, x >> i, x)
    for (const process of world.processes) work(world, process, x, round)
    if (round % 4 === 3 && isQuiet(world)) return
  }
}

function comeBack(world: World): void {
  for (const process of world.processes) {
    if (!process.up) start(world, process, 0)
    if (process.paused) pause(world, process, 0)
    sessionTimeout(world, process)
  }
  const abandoned = [...world.open].filter((tx) => tx.producer !== tx.process.producer)
  for (const tx of abandoned) fence(world, tx)
}

function work(world: World, process: Process, x: number, round: number): void {
  heartbeat(world, process)
  endRound(world, x)
  takeoverStep(world, process, x)
  takeoverStep(world, process, x >> 3)
  for (let i = 0; i < 3; i++) processRecord(world, process, (x >> i) + i)
  for (let key = 0; key < world.shape.keys; key++) fireTimer(world, process, key)
  if (world.produced >= world.shape.records && isAllRead(world))
    for (let i = 0; i < 4; i++) fallSilent(world, process, x + 17 * i)
  for (const key of process.flights.keys()) if ((x >> (key % 8)) & 1) landOf(world, process, key)
  for (let i = 0; i < 3; i++) runWaiting(world, process, (x >> i) + i)
  if (round % 3 === 0) seal(world, process)
  for (let i = 0; i < 4; i++) commitStep(world, process, x >> i)
  if (round % 8 === 0) refreshMetadata(world, process)
}

function isQuiet(world: World): boolean {
  if (world.open.size > 0 || world.ending.length > 0 || world.group.state !== 'stable') return false
  return world.processes.every((process) => isDone(world, process)) && !hasTimer(world) && allSilent(world)
}

function isDone(world: World, { status, inFlight, current, tasks, flights }: Process): boolean {
  if (status !== 'member' || inFlight !== undefined || current.parts.size > 0 || flights.size > 0) return false
  for (const { state } of tasks.values()) for (const { waiting } of state.values()) if (waiting.length > 0) return false
  return [...tasks.values()].every((task) => task.stage === 'running' && isRead(world, task))
}

function isRead(world: World, task: Task): boolean {
  const sourcesRead = task.sources.every(({ log }, i) => (task.committed[i] as number) >= log.length)
  if (!sourcesRead || task.index >= world.shape.stateTasks) return sourcesRead
  const inbox = world.inboxes[task.index] as Inbox
  for (let offset = task.position.at(-1) as number; offset < highWatermark(inbox); offset++) {
    if (isCommitted(inbox.log[offset])) return false
  }
  return true
}

function isAllRead({ sources, processes }: World): boolean {
  const read = processes.flatMap(({ tasks }) =>
    [...tasks.values()].flatMap((task) =>
      task.stage === 'running' ? task.sources.filter(({ log }, i) => (task.position[i] as number) >= log.length) : [],
    ),
  )
  return new Set(read).size === sources.length
}

function allSilent({ config, processes }: World): boolean {
  if (!config.eventTime) return true
  return processes.every(({ tasks }) =>
    [...tasks.values()].every(({ sources, sayings }) => sources.every((_, i) => sayings[i]?.silent === true)),
  )
}

/** Whether an owner still has to fire one. One that nobody knows of is for the last checks. */
function hasTimer(world: World): boolean {
  if (!world.config.timers) return false
  return [...world.truth.objects].some(([key, { timer, quarantined }]) => {
    if (timer === 0 || quarantined) return false
    const index = taskOf(world, key)
    const owner = world.processes.find(({ tasks }) => tasks.has(index))
    return owner !== undefined && (read(owner, owner.tasks.get(index) as Task, key)?.timer ?? 0) !== 0
  })
}
