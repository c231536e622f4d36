import { MillraceError } from '../core/errors.js'
import type { KindDefinition, Route } from './kind.js'
import type { LookupTable } from './lookup.js'
import { inboxTopic, targetsOf } from './names.js'
import type { AnyStateObject } from './state-object.js'
import { sourceNames, type Flow, type FlowDefinition, type StreamNode, type TopicNode } from './stream.js'

/** All that an app does, as frozen data, checked. */
export interface Program {
  readonly kinds: readonly KindDefinition[]
  readonly flows: readonly FlowDefinition[]
  /** Topics read, in order of first mention. */
  readonly sources: readonly TopicNode[]
  /** Topics written by `publish`, `to` and sources, and those that kinds declare to emit to; others are only known when a handler runs. */
  readonly targets: readonly TopicNode[]
  /** Topics of lookup tables. */
  readonly lookups: readonly TopicNode[]
}

/**
 * Checks definitions against each other. `beside`: topics that sources write to, where the app has sources or sinks. Throws `DEFINITION_INVALID` naming what collides and what to do.
 */
export function program(
  objects: readonly AnyStateObject[],
  flows: readonly Flow[],
  lookups: readonly LookupTable<unknown>[] = [],
  beside?: readonly TopicNode[],
): Program {
  if (objects.length + flows.length === 0 && beside === undefined) {
    throw new MillraceError(
      'DEFINITION_INVALID',
      'the app does nothing: give it objects: [stateObject(…)], flows: [stream.to(…)], sources or sinks',
    )
  }
  const kinds = objects.map(definitionOf)
  const names = new Set<string>()
  for (const { name, inputs } of kinds) {
    if (names.has(name))
      throw new MillraceError(
        'DEFINITION_INVALID',
        `two state objects are named '${name}': a name is a changelog, so rename one`,
        { kind: name },
      )
    if (inputs.length === 0)
      throw new MillraceError(
        'DEFINITION_INVALID',
        `state object '${name}' reads nothing: add .on(stream, key, handler)`,
        { kind: name },
      )
    names.add(name)
  }
  kinds.forEach(checkComplete)
  const definitions = flows.map(flowOf)
  definitions.forEach(checkKeys)
  const sources = [
    ...kinds.flatMap((kind) => kind.inputs.flatMap((input) => topicsOf(input.from))),
    ...definitions.flatMap((flow) => topicsOf(flow.from)),
  ]
  const targets = [
    ...kinds.flatMap((kind) => [...kind.publishes.map((publish) => publish.target), ...kind.emits]),
    ...definitions.map((flow) => flow.target),
    ...(beside ?? []),
  ]
  return Object.freeze({
    kinds,
    flows: definitions,
    sources: unique(sources),
    targets: unique(targets),
    lookups: unique(lookups.map(nodeOf)),
  })
}

function definitionOf(object: AnyStateObject): KindDefinition {
  if (object?.kind === 'stateObject') return object.definition
  throw new MillraceError('DEFINITION_INVALID', 'objects: give it state objects, made with stateObject(name, options)')
}

function flowOf(flow: Flow): FlowDefinition {
  if (flow?.kind === 'flow') return flow.definition
  throw new MillraceError('DEFINITION_INVALID', 'flows: give it flows, made with stream.to(topic)')
}

function nodeOf(table: LookupTable<unknown>): TopicNode {
  if (table?.kind === 'lookup') return table.node
  throw new MillraceError('DEFINITION_INVALID', 'lookups: give it tables, made with lookup(topic(name, schema))')
}

/** Whether something in a kind goes by event time: windows, or timers that are declared so. */
export function usesEventTime({ window, timers }: KindDefinition): boolean {
  return window !== undefined || [...timers.values()].some(({ time }) => time === 'event')
}

/** By what event time goes for a kind: topics by name; none where nothing in the kind goes by it. */
export interface TimedTopics {
  readonly all: ReadonlySet<string>
  /** Those whose records may go to other partitions. */
  readonly hopping: ReadonlySet<string>
  /**
   * Those whose timestamps move it when they are read. Where records always hop they do so only when they arrive: until then
   * none of them has had its turn.
   */
  readonly inPlace: ReadonlySet<string>
}

export function timedTopics(kind: KindDefinition): TimedTopics {
  const inputs = usesEventTime(kind) ? kind.inputs : []
  const topicsOf = (which: (route: Route) => boolean): Set<string> =>
    new Set(inputs.filter(({ route }) => which(route)).flatMap(({ from }) => sourceNames(from)))
  const all = topicsOf(() => true)
  const shuffled = topicsOf((route) => route === 'shuffle')
  const inPlace = new Set([...all].filter((topic) => !shuffled.has(topic)))
  return { all, hopping: topicsOf((route) => route !== 'aligned'), inPlace }
}

/** What a definition lacks that could still have been added when it was made. */
function checkComplete({ name, timers, version, migrations }: KindDefinition): void {
  for (const { name: timer, handler } of timers.values()) {
    if (handler !== undefined) continue
    const what = `state object '${name}': timer '${timer}' has no handler: add .onTimer('${timer}', handler)`
    throw new MillraceError('DEFINITION_INVALID', what, { kind: name })
  }
  for (let from = 1; from < version; from++) {
    if (migrations.has(from)) continue
    const what = `state object '${name}' is of version ${version} and has no step from version ${from}: add .migrate(${from}, step)`
    throw new MillraceError('DEFINITION_INVALID', what, { kind: name })
  }
}

/** Throws `DEFINITION_INVALID` for a program that writes to topics of its own app, or reads its inboxes. */
export function demandForeignTopics(app: string, { targets, sources, kinds }: Program): void {
  const demandTarget = targetsOf(app)
  for (const { name } of targets) demandTarget(name, 'publish, emits or to')
  const inboxes = new Set(kinds.map((kind) => inboxTopic(app, kind.name)))
  for (const { name } of sources) {
    if (!inboxes.has(name)) continue
    const what = `${name} is an inbox of this app, which it reads by itself; read the topics that its records come from`
    throw new MillraceError('DEFINITION_INVALID', what, { topic: name })
  }
}

/** Without a function for it a flow hands on the key as the bytes that it is. */
function checkKeys({ from, target, key }: FlowDefinition): void {
  if (key !== undefined || target.keys.format === 'text') return
  for (const { name, keys } of topicsOf(from)) {
    if (keys.format === 'text' || keys.format === target.keys.format) continue
    const what = `the flow from ${name} to ${target.name} hands on keys of format ${keys.format}, and the target has keys of format ${target.keys.format}: give to(…) a key function, such as { key: (_, record) => record.key }`
    throw new MillraceError('DEFINITION_INVALID', what, { topic: target.name })
  }
}

function topicsOf(node: StreamNode): readonly TopicNode[] {
  if (node.kind === 'topic') return [node]
  return node.kind === 'merge' ? node.from.flatMap(topicsOf) : topicsOf(node.from)
}

/** A topic is decoded once, so two handles on one name must agree on how. */
function unique(topics: readonly TopicNode[]): readonly TopicNode[] {
  const byName = new Map<string, TopicNode>()
  for (const topic of topics) {
    const known = byName.get(topic.name)
    if (
      known !== undefined &&
      known !== topic &&
      (known.codec !== topic.codec ||
        known.keys !== topic.keys ||
        known.onInvalid !== topic.onInvalid ||
        known.timestamp !== topic.timestamp ||
        known.maxAheadMs !== topic.maxAheadMs)
    ) {
      throw new MillraceError(
        'DEFINITION_INVALID',
        `topic '${topic.name}' is defined twice with different codecs or policies: define it once and use that handle everywhere`,
        {
          topic: topic.name,
        },
      )
    }
    if (known === undefined) byName.set(topic.name, topic)
  }
  return [...byName.values()]
}
