import { checkAll } from '../checks/final.js'
import { Violation } from '../checks/violation.js'
import { actionNames, actions, type ActionName } from '../moves/actions.js'
import { start } from '../moves/faults.js'
import { randomFrom } from '../rng.js'
import type { World } from '../rules/world.js'
import type { Counts } from '../state/counts.js'
import type { Process } from '../state/process.js'
import type { RunConfig } from './config.js'
import { newWorld } from './new-world.js'
import { settle } from './settle.js'

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
export function run(config: RunConfig, seed: number, { script, tracing }: RunOptions = {}): Outcome {
  const random = randomFrom(seed)
  const trace: string[] = []
  const world = newWorld(config, random, tracing === true ? (sentence) => trace.push(sentence()) : () => undefined)
  const steps: Step[] = []
  const outcome = { steps, trace, counts: world.counts }
  try {
    for (const process of world.processes) start(world, process, 0)
    if (script === undefined) attempt(world, config.weights, random, steps)
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

function attempt(world: World, weights: RunConfig['weights'], random: () => number, steps: Step[]): void {
  const { shape, processes } = world
  // Each seed prefers other actions, so that some runs do nothing but rebalance and others hardly commit.
  const preference = [0.15, 0.5, 1, 1, 2, 4]
  const weighted = actionNames.map((name) => {
    const scale = preference[Math.floor(random() * preference.length)] as number
    return { name, act: actions[name].act, weight: (weights[name] ?? actions[name].weight) * scale }
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
