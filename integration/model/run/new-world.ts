import { addSource } from '../moves/faults.js'
import type { World } from '../rules/world.js'
import { newCounts } from '../state/counts.js'
import { newGroup } from '../state/group.js'
import { newPartition } from '../state/log.js'
import { newProcess } from '../state/process.js'
import { newTruth } from '../state/truth.js'
import { drawShape, type RunConfig } from './config.js'

export function newWorld(config: RunConfig, random: () => number, say: World['say']): World {
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
