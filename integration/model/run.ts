import { actionNames, actions, type ActionName } from './actions.js'
import { newGroup } from './broker/group.js'
import { newPartition } from './broker/partition.js'
import { drawShape, type Config } from './config.js'
import { addSource, start } from './faults.js'
import { checkAll } from './final-checks.js'
import { newProcess, type Process } from './process/memory.js'
import { randomFrom } from './rng.js'
import { settle } from './settle.js'
import { newTruth } from './truth.js'
import { Violation, type Counts, type World } from './world.js'

/** One action that did something: a run can be replayed, and a shorter list tried. */
export interface Step {
  readonly action: ActionName
  readonly process: number
  readonly x: number
  readonly now: number
}

export interface Outcome {
  /** What was violated. */
  readonly violation: string | undefined
  readonly steps: readonly Step[]
  readonly trace: readonly string[]
  readonly counts: Counts
}

export interface RunOptions {
  /** Does these instead of what the seed says. */
  readonly script?: readonly Step[]
  /** Keeps the sentences. */
  readonly tracing?: boolean
}

/** Does what the seed says, then stops the faults, waits until all is quiet, and checks. */
export function run(config: Config, seed: number, { script, tracing }: RunOptions = {}): Outcome {
  const random = randomFrom(seed)
  const trace: string[] = []
  const world = newWorld(config, random, tracing === true ? (sentence) => trace.push(sentence()) : () => undefined)
  const steps: Step[] = []
  const outcome = { steps, trace, counts: world.counts }
  try {
    for (const process of world.processes) start(world, process, 0)
    if (script === undefined) attempt(world, random, steps)
    else replay(world, script)
    world.say(() => '-- no more faults --')
    settle(world, script === undefined)
    checkAll(world)
    return { ...outcome, violation: undefined }
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    return { ...outcome, violation: error.message }
  }
}

function attempt(world: World, random: () => number, steps: Step[]): void {
  const { config, shape, processes } = world
  // Each seed prefers other actions, so that some runs do nothing but rebalance and others hardly commit.
  const preference = [0.15, 0.5, 1, 1, 2, 4]
  const weighted = actionNames.map((name) => {
    const scale = preference[Math.floor(random() * preference.length)] as number
    return { name, act: actions[name].act, weight: (config.weights[name] ?? actions[name].weight) * scale }
  })
  // The likeliest first: most searches below end at once.
  weighted.sort((a, b) => b.weight - a.weight)
  const sum = weighted.reduce((total, { weight }) => total + weight, 0)
  for (let i = 0; i < shape.steps; i++) {
    let left = random() * sum
    let which = 0
    while (which < weighted.length - 1 && (left -= (weighted[which] as Weighted).weight) > 0) which++
    const { name, act } = weighted[which] as Weighted
    const drawn = random() * 65536
    const x = drawn | 0
    const process = ((drawn - x) * shape.processes) | 0
    const now = ++world.now
    // Before it acts: the step that violates something must be among them.
    steps.push({ action: name, process, x, now })
    if (!act(world, processes[process] as Process, x)) steps.pop()
  }
}

interface Weighted {
  readonly name: ActionName
  readonly act: (world: World, process: Process, x: number) => boolean
  readonly weight: number
}

function replay(world: World, script: readonly Step[]): void {
  for (const { action, process, x, now } of script) {
    world.now = now
    actions[action].act(world, world.processes[process] as Process, x)
  }
}

function newWorld(config: Config, random: () => number, say: World['say']): World {
  const shape = drawShape(config, random)
  const each = <T>(make: (index: number) => T): T[] => Array.from({ length: shape.stateTasks }, (_, i) => make(i))
  const world: World = {
    config,
    shape,
    broken: config.broken,
    now: 0,
    sources: [],
    topics: [],
    inboxes: each((i) => newPartition(`inbox[${i}]`)),
    changelogs: each((i) => newPartition(`changelog[${i}]`)),
    outputs: each((i) => newPartition(`output[${i}]`)),
    open: new Set(),
    ending: [],
    group: newGroup(),
    processes: Array.from({ length: shape.processes }, (_, i) => newProcess(i)),
    truth: newTruth(),
    produced: 0,
    topicSeq: new Map(),
    grown: false,
    lastId: 0,
    say,
    counts: newCounts(),
  }
  shape.topics.forEach((partitions, topic) => {
    for (let i = 0; i < partitions; i++) addSource(world, topic)
  })
  return world
}

export function newCounts(): Counts {
  return {
    inPlace: 0,
    hops: 0,
    crossings: 0,
    generations: 0,
    retained: 0,
    takeovers: 0,
    rolledForward: 0,
    fromStandby: 0,
    commits: 0,
    resent: 0,
    finishedForLost: 0,
    aborts: 0,
    fenced: 0,
    thrown: 0,
    timersFired: 0,
  }
}
