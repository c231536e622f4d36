import type { World } from '../rules/world.js'
import type { Process } from '../state/process.js'
import { endRound, kick, rebalanceTimeout, sessionTimeout } from './broker/group.js'
import { writeMarker } from './broker/transactions.js'
import { commitStep, seal } from './process/commit.js'
import { fallSilent } from './process/event-time.js'
import { land, runWaiting } from './process/flights.js'
import { heartbeat, leave } from './process/membership.js'
import { processRecord, trimInbox } from './process/records.js'
import { followChangelog } from './process/standby.js'
import { crash, flush } from './process/store.js'
import { takeoverStep } from './process/takeover.js'
import { fireTimer } from './process/timers.js'
import { produce } from './producer.js'
import * as faults from './faults.js'

interface Action {
  /** How often it is tried, compared with the others. */
  readonly weight: number
  /** Tries it; false when there was nothing to do. `x`, 0 to 65535, decides whatever it leaves open. */
  readonly act: (world: World, process: Process, x: number) => boolean
}

/** All that can happen. Everything between two of these is atomic; whatever is not atomic in reality must be two. */
export const actions = {
  produce: { weight: 1.5, act: (world, _, x) => produce(world, x) },
  process: { weight: 26, act: processRecord },
  seal: { weight: 7, act: seal },
  commit: { weight: 26, act: commitStep },
  marker: { weight: 16, act: (world, _, x) => writeMarker(world, x, x >> 5) },
  heartbeat: { weight: 14, act: heartbeat },
  takeover: { weight: 20, act: takeoverStep },
  flush: { weight: 3, act: flush },
  trim: { weight: 2, act: trimInbox },
  standby: { weight: 4, act: followChangelog },
  timer: { weight: 4, act: fireTimer },
  silent: { weight: 0.6, act: fallSilent },
  land: { weight: 5, act: land },
  waiting: { weight: 8, act: runWaiting },
  endRound: { weight: 8, act: (world, _, x) => endRound(world, x) },
  rebalanceTimeout: { weight: 0.15, act: (world, _, x) => rebalanceTimeout(world, x) },
  sessionTimeout: { weight: 0.2, act: sessionTimeout },
  kick: { weight: 0.05, act: kick },
  crash: { weight: 0.05, act: crash },
  start: { weight: 2, act: faults.start },
  pause: { weight: 0.6, act: faults.pause },
  leave: { weight: 0.04, act: leave },
  transactionTimeout: { weight: 0.2, act: faults.transactionTimeout },
  expireOffsets: { weight: 2, act: faults.expireOffsets },
  loseAnswer: { weight: 0.2, act: faults.loseAnswer },
  compact: { weight: 1, act: (world, _, x) => faults.cleanChangelog(world, x) },
  grow: { weight: 0.2, act: faults.grow },
  metadata: { weight: 1, act: faults.refreshMetadata },
} as const satisfies Record<string, Action>

export type ActionName = keyof typeof actions
export const actionNames = Object.keys(actions) as readonly ActionName[]
