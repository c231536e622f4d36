import type { Graph, GraphEdge, GraphKind, GraphNode } from '../../model/graph/graph.js'
import type { Topology, TopologyEdge, TopologyNode } from './shapes.js'

/** The graph of an app as the page draws it. */
export function topologyOf({ app, nodes, edges, deadLetters }: Graph): Topology {
  return { app, deadLetters, nodes: nodes.map(nodeOf), edges: edges.filter(isFirst).map(edgeOf) }
}

/** A kind that publishes to a topic may emit to it too. */
const isFirst = ({ from, to }: GraphEdge, index: number, all: readonly GraphEdge[]): boolean =>
  all.findIndex((other) => other.from === from && other.to === to) === index

function nodeOf(node: GraphNode): TopologyNode {
  const { id, name } = node
  switch (node.type) {
    case 'topic':
      return { id, name, kind: node.lookup ? 'lookup' : 'topic', notes: [node.format] }
    case 'kind':
      return { id, name, kind: 'object', notes: notesOf(node) }
    default:
      return { id, name, kind: node.type, notes: [node.connector] }
  }
}

function notesOf({ format, version, window, ttlMs, timers, queries }: GraphKind): readonly string[] {
  return [
    version > 1 ? `${format}, version ${version}` : format,
    ...(window === undefined ? [] : [`${window.kind} window`]),
    ...(ttlMs === undefined ? [] : [`lives ${ttlMs} ms`]),
    ...(timers.length === 0 ? [] : [`timers: ${timers.map(({ name }) => name).join(', ')}`]),
    ...(queries.length === 0 ? [] : [`queries: ${queries.join(', ')}`]),
  ]
}

/** Where records come from a topic their rate is that of reading it, elsewhere that of writing. */
function edgeOf({ from, to, type, steps }: GraphEdge): TopologyEdge {
  const isRead = type === 'input' || type === 'sink'
  const topic = (isRead ? from : to).replace(/^topic:/, '')
  return { from, to, type, topic, rate: isRead ? 'read' : 'written', label: steps }
}
