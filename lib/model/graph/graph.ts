import type { BreakerPolicy, ErrorPolicy, KindDefinition, Route, TimerBacklog, TimerTime } from '../kind.js'
import { changelogTopic, deadLetterTopic, inboxTopic, timerTopic } from '../names.js'
import { timedTopics, type Program } from '../program.js'
import { sourceNames, type InvalidPolicy, type StreamNode, type TopicNode } from '../stream.js'
import type { FixedWindow, SessionWindow, WindowDefinition } from '../window.js'

/** An app as topics, kinds and what goes between them: what `describe`, its drawing and the page show. It has a JSON form. */
export interface Graph {
  readonly app: string
  /** Topics read, looked up and written, kinds, and what is outside: in the order in which records pass them. */
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  readonly flows: readonly GraphFlow[]
  /** Where timers and turns that wait are kept; undefined when the app keeps no state. */
  readonly timers?: string
  readonly deadLetters: string
}

export interface GraphFlow {
  /** Names of topics. */
  readonly from: readonly string[]
  /** `orders → filter`. */
  readonly path: string
  readonly to: string
}

export type GraphPart = Pick<Graph, 'nodes' | 'edges'>

export type GraphNode = GraphTopic | GraphKind | GraphConnector

/** Of topics `topic:<name>`, of kinds `kind:<name>`, of sources and sinks `source:<name>`, `sink:<name>`. */
export type NodeId = `${'topic' | 'kind' | 'source' | 'sink'}:${string}`

export interface GraphTopic {
  readonly id: NodeId
  readonly type: 'topic'
  readonly name: string
  /** Of its values, such as `json`; of its keys, such as `text`. */
  readonly format: string
  readonly keys: string
  /** How it is read; undefined when it is not. */
  readonly read?: {
    readonly onInvalid: InvalidPolicy
    readonly eventTime: 'record' | 'value'
    /** How far event time may be ahead of the clock, in milliseconds; undefined when nothing goes by its event time. */
    readonly maxAheadMs?: number | 'unlimited'
  }
  /** Rows of it are looked up. */
  readonly lookup: boolean
  readonly clampsTime: boolean
  /** With how many partitions it is made; undefined: as the brokers say. */
  readonly partitions?: number
}

export interface GraphKind {
  readonly id: NodeId
  readonly type: 'kind'
  readonly name: string
  readonly format: string
  readonly version: number
  readonly ttlMs?: number
  readonly window?: GraphWindow
  readonly inputs: readonly GraphInput[]
  readonly timers: readonly { readonly name: string; readonly time: TimerTime; readonly backlog: TimerBacklog }[]
  readonly queries: readonly string[]
  readonly changelog: string
  readonly inbox: string
}

export interface GraphInput {
  readonly id: string
  /** Names of topics. */
  readonly from: readonly string[]
  /** `orders → filter → map`. */
  readonly path: string
  readonly route: Route
  readonly onError: GraphErrorPolicy
  readonly breaker?: BreakerPolicy
}

/** A window without its code. */
export type GraphWindow = (Omit<FixedWindow, 'zone'> & { readonly zone?: string }) | Omit<SessionWindow, 'merge'>

export type GraphErrorPolicy = Omit<ErrorPolicy, 'attempts' | 'forMs'> & {
  readonly attempts: number | 'unlimited'
  readonly forMs: number | 'unlimited'
}

/** What records come from, or go to, outside of Kafka. */
export interface GraphConnector {
  readonly id: NodeId
  readonly type: 'source' | 'sink'
  readonly name: string
  /** What sort it is, such as `tcp`. */
  readonly connector: string
  /** Who runs it; undefined for what every process runs. */
  readonly group?: string
  /** The topic with its positions. */
  readonly positions?: string
}

export interface GraphEdge {
  readonly from: NodeId
  readonly to: NodeId
  readonly type: 'input' | 'flow' | 'emits' | 'publishes' | 'source' | 'sink'
  /** Steps on the way: `filter → map`; empty where there are none. */
  readonly steps: string
}

export const topicId = (name: string): NodeId => `topic:${name}`
const kindId = (name: string): NodeId => `kind:${name}`

/** The graph of a program; `connectors` are added as they are. */
export function graphOf(app: string, program: Program, connectors: GraphPart = none): Graph {
  const { kinds, flows } = program
  const edges: GraphEdge[] = []
  for (const { name, inputs, emits, publishes } of kinds) {
    for (const { from } of inputs) edges.push(...into(kindId(name), 'input', from))
    for (const target of emits) edges.push({ from: kindId(name), to: topicId(target.name), type: 'emits', steps: '' })
    for (const { target } of publishes)
      edges.push({ from: kindId(name), to: topicId(target.name), type: 'publishes', steps: '' })
  }
  for (const { from, target } of flows) edges.push(...into(topicId(target.name), 'flow', from))
  return {
    app,
    nodes: [...topics(program), ...kinds.map((kind) => kindNode(app, kind)), ...connectors.nodes].filter(isFirst),
    edges: [...edges, ...connectors.edges],
    flows: flows.map(({ from, target }) => ({ from: sourceNames(from), path: path(from), to: target.name })),
    ...(kinds.length === 0 ? {} : { timers: timerTopic(app) }),
    deadLetters: deadLetterTopic(app),
  }
}

const none = { nodes: [], edges: [] }

/** A topic that a sink reads may be one that the program has, too. */
const isFirst = ({ id }: GraphNode, index: number, all: readonly GraphNode[]): boolean =>
  all.findIndex((other) => other.id === id) === index

/** A topic as such. */
export function topicOf({ name, codec, keys, partitions }: TopicNode): GraphTopic {
  return {
    id: topicId(name),
    type: 'topic',
    name,
    format: codec.format,
    keys: keys.format,
    lookup: false,
    clampsTime: false,
    ...(partitions === undefined ? {} : { partitions }),
  }
}

function topics({ kinds, sources, targets, lookups }: Program): readonly GraphTopic[] {
  const timed = new Set(kinds.flatMap((kind) => [...timedTopics(kind).all]))
  const read = new Set(sources.map(({ name }) => name))
  const lookedUp = new Set(lookups.map(({ name }) => name))
  const nodes = new Map([...targets, ...lookups, ...sources].map((node) => [node.name, node]))
  const order = [...sources, ...lookups, ...targets].map(({ name }) => name)
  return [...new Set(order)].map((name) => {
    const node = nodes.get(name) as TopicNode
    return {
      ...topicOf(node),
      ...(read.has(name) ? { read: reading(node, timed.has(name)) } : {}),
      lookup: lookedUp.has(name),
      clampsTime: targets.some((target) => target.name === name && target.clampsTime),
    }
  })
}

/** `isTimed`: event time of some kind goes by it. */
function reading({ onInvalid, timestamp, maxAheadMs }: TopicNode, isTimed: boolean): NonNullable<GraphTopic['read']> {
  const ahead = maxAheadMs === Infinity ? 'unlimited' : maxAheadMs
  return {
    onInvalid,
    eventTime: timestamp === undefined ? 'record' : 'value',
    ...(isTimed ? { maxAheadMs: ahead } : {}),
  }
}

function kindNode(app: string, kind: KindDefinition): GraphKind {
  const { name, codec, version, ttlMs, window, timers, queries } = kind
  return {
    id: kindId(name),
    type: 'kind',
    name,
    format: codec.format,
    version,
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(window === undefined ? {} : { window: plainWindow(window) }),
    inputs: kind.inputs.map(({ id, from, route, onError, breaker }) => ({
      id,
      from: sourceNames(from),
      path: path(from),
      route,
      onError: plainPolicy(onError),
      ...(breaker === undefined ? {} : { breaker }),
    })),
    timers: [...timers.values()].map(({ name, time, backlog }) => ({ name, time, backlog })),
    queries: [...queries.keys()],
    changelog: changelogTopic(app, name),
    inbox: inboxTopic(app, name),
  }
}

function plainWindow(window: WindowDefinition): GraphWindow {
  if (window.kind !== 'session') {
    const { zone, ...others } = window
    return zone === undefined ? others : { ...others, zone }
  }
  const { merge: _, ...others } = window
  return others
}

function plainPolicy({ attempts, forMs, ...others }: ErrorPolicy): GraphErrorPolicy {
  const plain = (number: number): number | 'unlimited' => (number === Infinity ? 'unlimited' : number)
  return { ...others, attempts: plain(attempts), forMs: plain(forMs) }
}

function into(to: NodeId, type: GraphEdge['type'], from: StreamNode): readonly GraphEdge[] {
  return sourceNames(from).map((name) => ({ from: topicId(name), to, type, steps: stepsFrom(name, from) ?? '' }))
}

/** The steps between a topic and the end of a stream of it; of the first way, where there are several. */
function stepsFrom(topic: string, node: StreamNode): string | undefined {
  switch (node.kind) {
    case 'topic':
      return node.name === topic ? '' : undefined
    case 'merge':
      return node.from.map((each) => stepsFrom(topic, each)).find((steps) => steps !== undefined)
    default: {
      const before = stepsFrom(topic, node.from)
      return before === undefined ? undefined : before === '' ? node.kind : `${before} → ${node.kind}`
    }
  }
}

/** `orders + payments → filter`. */
function path(node: StreamNode): string {
  switch (node.kind) {
    case 'topic':
      return node.name
    case 'merge':
      return sourceNames(node).join(' + ')
    default:
      return `${path(node.from)} → ${node.kind}`
  }
}
