import type { Graph, GraphEdge, GraphNode, NodeId } from './graph.js'

/** The graph as a flowchart of Mermaid. */
export function mermaidOf({ nodes, edges }: Graph): string {
  const names = new Map<NodeId, string>(nodes.map(({ id }, index) => [id, `n${index}`]))
  const lines = nodes.map((node) => `  ${names.get(node.id)}${shapeOf(node)}`)
  // Several inputs from one topic to one kind are one arrow each way of steps.
  const arrows = new Set(edges.map((edge) => `  ${names.get(edge.from)} ${arrowOf(edge)} ${names.get(edge.to)}`))
  return ['flowchart LR', ...lines, ...arrows].join('\n')
}

/** Names are of letters, digits, dots, underscores and dashes; what a connector calls itself is anything. */
function shapeOf(node: GraphNode): string {
  const name = quoted(node.name)
  switch (node.type) {
    case 'topic':
      return node.lookup ? `[("${name}<br/>looked up")]` : `(["${name}"])`
    case 'kind':
      return `["${name}${node.window === undefined ? '' : `<br/>${node.window.kind} window`}"]`
    case 'source':
    case 'sink':
      return `{{"${node.type} ${name}<br/>${quoted(node.connector)}"}}`
  }
}

function arrowOf({ type, steps }: GraphEdge): string {
  const label = [...(type === 'emits' || type === 'publishes' ? [type] : []), ...(steps === '' ? [] : [steps])].join(
    ': ',
  )
  return label === '' ? '-->' : `-- "${quoted(label)}" -->`
}

const quoted = (text: string): string => text.replace(/["<>&#]/g, (char) => `#${char.charCodeAt(0)};`)
