import type { Sink } from '../../connect/sink.js'
import type { Source } from '../../connect/source.js'
import type { KindDefinition } from '../../model/kind.js'
import type { Program } from '../../model/program.js'
import { sourceNames, type FlowDefinition, type StreamNode, type TopicNode } from '../../model/stream.js'
import type { Topology, TopologyEdge, TopologyNode } from './shapes.js'

/** All that an app is described by. */
export interface Described {
  readonly app: string
  readonly program: Program
  readonly sources: readonly Source[]
  readonly sinks: readonly Sink[]
}

/** An app as a graph: topics, and what reads and writes them. */
export function topologyOf({ app, program, sources, sinks }: Described): Topology {
  const graph = new Graph()
  for (const topic of program.sources) graph.topic(topic.name, [topic.codec.format])
  for (const kind of program.kinds) addKind(graph, kind)
  program.flows.forEach((flow, index) => addFlow(graph, flow, index))
  for (const topic of program.lookups) graph.lookup(topic)
  for (const { name, options } of sources) {
    const id = graph.node('source', name, [options.from.kind, options.from.delivery])
    graph.writes(id, options.into.name)
  }
  for (const { name, options } of sinks) {
    const id = graph.node('sink', name, [options.to.kind])
    graph.reads(options.from.name, id)
  }
  return { app, nodes: graph.nodes, edges: graph.edges }
}

class Graph {
  readonly #nodes = new Map<string, TopologyNode>()
  readonly edges: TopologyEdge[] = []

  get nodes(): readonly TopologyNode[] {
    return [...this.#nodes.values()]
  }

  node(kind: TopologyNode['kind'], name: string, notes: readonly string[]): string {
    const id = `${kind}:${name}`
    if (!this.#nodes.has(id)) this.#nodes.set(id, { id, kind, name, notes })
    return id
  }

  topic(name: string, notes: readonly string[] = []): string {
    return this.node('topic', name, notes)
  }

  lookup({ name, codec }: TopicNode): void {
    this.node('lookup', name, [codec.format, 'every instance has a copy'])
  }

  reads(topic: string, reader: string, label = ''): void {
    this.edges.push({ from: this.topic(topic), to: reader, topic, rate: 'read', label })
  }

  writes(writer: string, topic: string, label = ''): void {
    const to = this.topic(topic)
    if (this.edges.some((edge) => edge.from === writer && edge.to === to)) return
    this.edges.push({ from: writer, to, topic, rate: 'written', label })
  }
}

function addKind(graph: Graph, kind: KindDefinition): void {
  const id = graph.node('object', kind.name, notesOf(kind))
  for (const { from } of kind.inputs) for (const topic of sourceNames(from)) graph.reads(topic, id, stepsFrom(from))
  for (const { target } of kind.publishes) graph.writes(id, target.name, 'publish')
  for (const target of kind.emits) graph.writes(id, target.name, 'emit')
}

function addFlow(graph: Graph, { from, target }: FlowDefinition, index: number): void {
  const id = graph.node('flow', `flow ${index + 1}`, [`${sourceNames(from).join(' + ')} → ${target.name}`])
  for (const topic of sourceNames(from)) graph.reads(topic, id, stepsFrom(from))
  graph.writes(id, target.name)
}

function notesOf({ codec, version, window, ttlMs, timers, queries }: KindDefinition): readonly string[] {
  return [
    version > 1 ? `${codec.format}, version ${version}` : codec.format,
    ...(window === undefined ? [] : [`${window.kind} window`]),
    ...(ttlMs === undefined ? [] : [`lives ${ttlMs} ms`]),
    ...(timers.size === 0 ? [] : [`timers: ${[...timers.keys()].join(', ')}`]),
    ...(queries.size === 0 ? [] : [`queries: ${[...queries.keys()].join(', ')}`]),
  ]
}

/** Steps between a topic and its reader; of merged streams those behind the merge. */
function stepsFrom(node: StreamNode): string {
  if (node.kind === 'topic' || node.kind === 'merge') return ''
  const before = stepsFrom(node.from)
  return before === '' ? node.kind : `${before} → ${node.kind}`
}
