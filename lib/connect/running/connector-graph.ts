import { topicId, topicOf, type GraphConnector, type GraphPart } from '../../model/graph/graph.js'
import { positionsTopic, sinkGroup, sourceGroup } from '../../model/names.js'
import { topicNode } from '../../model/stream.js'
import type { Connectors } from './connections.js'

/** Sources and sinks, for the graph of an app. */
export function connectorGraph(app: string, { sources, sinks }: Connectors): GraphPart {
  const nodes: GraphConnector[] = [
    ...sources.map(({ name, options: { from } }) => ({
      id: `source:${name}` as const,
      type: 'source' as const,
      name,
      connector: from.kind,
      ...(from.everywhere === true ? {} : { group: sourceGroup(app, name), positions: positionsTopic(app, name) }),
    })),
    ...sinks.map(({ name, options: { to } }) => ({
      id: `sink:${name}` as const,
      type: 'sink' as const,
      name,
      connector: to.kind,
      group: sinkGroup(app, name),
    })),
  ]
  return {
    nodes: [...sinks.map(({ options }) => topicOf(topicNode(options.from))), ...nodes],
    edges: [
      ...sources.map(({ name, options: { into } }) => ({
        from: `source:${name}` as const,
        to: topicId(into.name),
        type: 'source' as const,
        steps: '',
      })),
      ...sinks.map(({ name, options: { from } }) => ({
        from: topicId(from.name),
        to: `sink:${name}` as const,
        type: 'sink' as const,
        steps: '',
      })),
    ],
  }
}
