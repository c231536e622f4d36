import type { KindDefinition } from '../../model/kind.js'
import { inboxTopic } from '../../model/names.js'
import type { RecordInfo } from '../../core/record.js'
import { paths, type Push, type SourcePath } from '../../model/paths.js'
import type { Program } from '../../model/program.js'
import type { TopicNode } from '../../model/stream.js'
import type { TurnSource } from '../../turn/kept/turn-source.js'
import { flowSink } from './flow-sink.js'
import type { Passage } from './passage.js'
import { allOrNone, turnSink, type Lead, type Sink } from './sinks.js'

/** All that happens to the values of one source topic, fused at start. */
export interface SourcePlan {
  readonly topic: TopicNode
  readonly pushes: readonly Push[]
  /** The ways that records without a value go; undefined when none does. */
  readonly tombstones: readonly Push[] | undefined
  /** What a record leads to; `decoded` gives its value, or null where it has none. Throws what decoding and steps throw. */
  readonly leadsOf: (decoded: () => unknown, record: RecordInfo, isTombstone: boolean) => readonly Lead[]
  /** Whose turns its records may lead to here. */
  readonly feeds: readonly TurnSource[]
}

/** A kind's inputs by the id that hopped records carry. */
export interface InboxPlan {
  readonly kind: KindDefinition
  readonly kindIndex: number
  readonly inputs: ReadonlyMap<string, TurnSource>
  /** Whose turns its records may lead to. */
  readonly feeds: readonly TurnSource[]
  /** Those whose records hop into it. */
  readonly topics: readonly TopicNode[]
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
  const plans = new Map<string, { pushes: Push[]; tombstones: Push[]; feeds: TurnSource[]; probes: Probe[] }>()
  const use = (): void => void (passage.used = true)
  const add = (path: SourcePath, sink: Sink, feeds: readonly TurnSource[]): void => {
    const { name } = path.topic
    const plan = plans.get(name) ?? { pushes: [], tombstones: [], feeds: [], probes: [] }
    plans.set(name, plan)
    const push = path.many ? allOrNone(path, sink, use) : path.fuse(sink.take, use)
    plan.pushes.push(push)
    plan.feeds.push(...feeds)
    if (path.tombstones) plan.tombstones.push(push)
    plan.probes.push(probe(path, sink))
  }
  program.kinds.forEach((kind, kindIndex) => {
    for (const input of kind.inputs) {
      const source = sources.get(kind.name)?.get(input.id) as TurnSource
      const all = paths(input.from)
      for (const path of all) {
        const way = all.filter(({ topic }) => topic.name === path.topic.name).indexOf(path)
        const sink = { app, kindIndex, input, source, stateTasks, way }
        add(path, turnSink(sink, passage), [source])
      }
    }
  })
  for (const flow of program.flows) for (const path of paths(flow.from)) add(path, flowSink(flow, passage), [])
  return {
    sources: new Map(
      program.sources.map((topic) => {
        const { pushes = [], tombstones = [], feeds = [], probes = [] } = plans.get(topic.name) ?? {}
        const plan = { topic, pushes, tombstones: tombstones.length === 0 ? undefined : tombstones, feeds }
        return [topic.name, { ...plan, leadsOf: leadsOf(probes) }]
      }),
    ),
    inboxes: new Map(
      program.kinds.map((kind, kindIndex) => [
        inboxTopic(app, kind.name),
        {
          kind,
          kindIndex,
          inputs: sources.get(kind.name) ?? new Map<string, TurnSource>(),
          feeds: [...(sources.get(kind.name)?.values() ?? [])].filter(({ isTimer }) => !isTimer),
          topics: kind.inputs.flatMap(({ from }) => paths(from).map(({ topic }) => topic)),
        },
      ]),
    ),
  }
}

/** Adds what a value leads to on one path. */
interface Probe {
  readonly tombstones: boolean
  readonly leads: (value: unknown, record: RecordInfo, found: Lead[]) => void
}

function probe(path: SourcePath, { leadsTo }: Sink): Probe {
  let found: Lead[] = []
  const push = path.fuse((value, record) => found.push(leadsTo(value, record)))
  const leads: Probe['leads'] = (value, record, into) => {
    found = into
    push(value, record)
  }
  return { tombstones: path.tombstones, leads }
}

function leadsOf(probes: readonly Probe[]): SourcePlan['leadsOf'] {
  return (decoded, record, isTombstone) => {
    const found: Lead[] = []
    // Each step has a value of its own, as when the record is taken.
    for (const { leads, tombstones } of probes) if (!isTombstone || tombstones) leads(decoded(), record, found)
    return found.filter((lead) => lead !== 'nothing')
  }
}
