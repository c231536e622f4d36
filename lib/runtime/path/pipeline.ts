import type { KindDefinition } from '../../model/kind.js'
import { inboxTopic } from '../../model/names.js'
import { paths, type Push, type SourcePath } from '../../model/paths.js'
import type { Program } from '../../model/program.js'
import type { TopicNode } from '../../model/stream.js'
import type { TurnSource } from '../../turn/kept/turn-source.js'
import { flowSink } from './flow-sink.js'
import type { Passage } from './passage.js'
import { allOrNone, turnSink, type Sink } from './sinks.js'

/** All that happens to the values of one source topic, fused at start. */
export interface SourcePlan {
  readonly topic: TopicNode
  readonly pushes: readonly Push[]
  /** The ways that records without a value go; undefined when none does. */
  readonly tombstones: readonly Push[] | undefined
}

/** A kind's inputs by the id that hopped records carry. */
export interface InboxPlan {
  readonly kind: KindDefinition
  readonly kindIndex: number
  readonly inputs: ReadonlyMap<string, TurnSource>
}

export interface Pipeline {
  readonly sources: ReadonlyMap<string, SourcePlan>
  readonly inboxes: ReadonlyMap<string, InboxPlan>
}

/** Fuses a program into one function list per source topic. */
export function pipeline(
  app: string,
  program: Program,
  sources: ReadonlyMap<string, ReadonlyMap<string, TurnSource>>,
  stateTasks: number,
  passage: Passage,
): Pipeline {
  const plans = new Map<string, { pushes: Push[]; tombstones: Push[] }>()
  const use = (): void => void (passage.used = true)
  const add = (path: SourcePath, sink: Sink): void => {
    const { name } = path.topic
    const plan = plans.get(name) ?? { pushes: [], tombstones: [] }
    plans.set(name, plan)
    const push = path.many ? allOrNone(path, sink, use) : path.fuse(sink.take, use)
    plan.pushes.push(push)
    if (path.tombstones) plan.tombstones.push(push)
  }
  program.kinds.forEach((kind, kindIndex) => {
    for (const input of kind.inputs) {
      const source = sources.get(kind.name)?.get(input.id) as TurnSource
      const all = paths(input.from)
      for (const path of all) {
        const way = all.filter(({ topic }) => topic.name === path.topic.name).indexOf(path)
        const sink = { app, kindIndex, input, source, stateTasks, way }
        add(path, turnSink(sink, passage))
      }
    }
  })
  for (const flow of program.flows) for (const path of paths(flow.from)) add(path, flowSink(flow, passage))
  return {
    sources: new Map(
      program.sources.map((topic) => {
        const { pushes = [], tombstones = [] } = plans.get(topic.name) ?? {}
        return [topic.name, { topic, pushes, tombstones: tombstones.length === 0 ? undefined : tombstones }]
      }),
    ),
    inboxes: new Map(
      program.kinds.map((kind, kindIndex) => [
        inboxTopic(app, kind.name),
        {
          kind,
          kindIndex,
          inputs: sources.get(kind.name) ?? new Map<string, TurnSource>(),
        },
      ]),
    ),
  }
}
