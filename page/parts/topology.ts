import { graphlib, layout } from '@dagrejs/dagre'
import type { Topology, TopologyEdge, TopologyNode } from '../../lib/watch/overview/shapes.js'
import { html, useEffect, useMemo, useRef, useState, type VNode } from '../html.js'
import { milliseconds, rate, visibleKey } from '../format.js'
import type { Rates } from '../rates.js'

/** Of a drawing from left to right, and of one from above. */
const widths = { wide: 190, tall: 150 }
const nodeHeight = 58
/** Smaller than this it could not be read: then it is scrolled. */
const leastScale = 0.62
/** Over which topics that would stand side by side are spread at most. */
const mostRows = 6

interface Point {
  readonly x: number
  readonly y: number
}

interface Placed<T> extends Point {
  readonly what: T
}

interface Drawing {
  readonly width: number
  readonly height: number
  readonly nodes: readonly Placed<TopologyNode>[]
  readonly edges: readonly { readonly what: TopologyEdge; readonly path: string; readonly label: Point }[]
}

/** On narrow screens in as many rows as it takes for it to fit, as far as that helps. */
function fitting(topology: Topology, width: number, isTall: boolean): Drawing {
  let best = draw(topology, isTall, 1)
  for (let rows = 2; isTall && rows <= mostRows && best.width * leastScale > width; rows++) {
    const next = draw(topology, isTall, rows)
    if (next.width < best.width) best = next
  }
  return best
}

/** `rows`: over so many what begins or ends the ways of records is spread. */
function draw({ nodes, edges }: Topology, isTall: boolean, rows: number): Drawing {
  const nodeWidth = isTall ? widths.tall : widths.wide
  const graph = new graphlib.Graph({ multigraph: true })
  graph.setGraph({
    rankdir: isTall ? 'TB' : 'LR',
    nodesep: isTall ? 16 : 28,
    ranksep: isTall ? 48 : 84,
    marginx: 6,
    marginy: 10,
  })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const node of nodes) graph.setNode(node.id, { width: nodeWidth, height: nodeHeight })
  const places = new Map(nodes.map(({ id }, index) => [id, index]))
  const begins = new Set(edges.map(({ from }) => from))
  const ended = new Set(edges.map(({ to }) => to))
  edges.forEach(({ from, to }, index) => {
    const outer = !ended.has(from) ? from : !begins.has(to) ? to : undefined
    const minlen = 1 + (outer === undefined ? 0 : (places.get(outer) ?? 0) % rows)
    graph.setEdge(from, to, { width: isTall ? 8 : 64, height: 16, labelpos: 'c', minlen }, String(index))
  })
  layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  return {
    width,
    height,
    nodes: nodes.map((what) => ({ what, ...(graph.node(what.id) as Point) })),
    edges: edges.map((what, index) => {
      const { points, x, y } = graph.edge(what.from, what.to, String(index)) as {
        points: Point[]
        x: number
        y: number
      }
      const [from, to] = [graph.node(what.from) as Point, graph.node(what.to) as Point]
      return { what, path: curve(ends(points, from, to, nodeWidth, isTall), isTall), label: { x, y } }
    }),
  }
}

const names: Readonly<Record<TopologyNode['kind'], string>> = {
  topic: 'topic',
  object: 'state object',
  lookup: 'lookup table',
  source: 'source',
  sink: 'sink',
}

/** Topics, and what reads and writes them, with what goes between them now. */
export function TopologyView({ topology, rates }: { topology: Topology; rates: Rates }): VNode {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const resized = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 0))
    if (box.current !== null) resized.observe(box.current)
    return () => resized.disconnect()
  }, [])
  const isTall = width > 0 && width < 620
  const drawing = useMemo(() => fitting(topology, width, isTall), [topology, isTall, isTall ? width : 0])
  const scale = width === 0 ? 1 : Math.min(1, Math.max(leastScale, width / drawing.width))
  const rateOf = ({ topic, rate: which }: TopologyEdge): number | undefined =>
    (which === 'read' ? rates.readByTopic : rates.writtenByTopic).get(topic)
  return html`<div class="topology" ref=${box} tabindex="0" role="group" aria-label="Topology">
    <svg
      width=${drawing.width * scale}
      height=${drawing.height * scale}
      viewBox=${`0 0 ${drawing.width} ${drawing.height}`}
      aria-hidden="true"
    >
      <defs>
        <marker
          id="arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="9"
          markerHeight="9"
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8z" class="arrow" />
        </marker>
      </defs>
      ${drawing.edges.map((edge) => {
        const perSecond = rateOf(edge.what)
        const flows = perSecond !== undefined && perSecond > 0
        return html`<g key=${`${edge.what.from} ${edge.what.to}`} class=${flows ? 'edge flows' : 'edge'}>
          <path d=${edge.path} marker-end="url(#arrow)" />
          ${
            flows &&
            html`<g transform=${`translate(${edge.label.x} ${edge.label.y})`}>
              <rect x="-31" y="-9" width="62" height="18" rx="9" /><text dy="4">${rate(perSecond)}</text>
            </g>`
          }
        </g>`
      })}
      ${drawing.nodes.map(({ what, x, y }) => html`<${Node} key=${what.id} node=${what} x=${x} y=${y} rates=${rates} nodeWidth=${isTall ? widths.tall : widths.wide} />`)}
    </svg>
    <ul class="unseen">
      ${topology.edges.map((edge) => html`<li>${nameIn(topology, edge.from)} to ${nameIn(topology, edge.to)}: ${rate(rateOf(edge))}</li>`)}
    </ul>
  </div>`
}

interface NodeProps extends Point {
  readonly node: TopologyNode
  readonly rates: Rates
  readonly nodeWidth: number
}

function Node({ node, x, y, rates, nodeWidth }: NodeProps): VNode {
  const room = Math.floor((nodeWidth - 22) / 8.3)
  const [left, top] = [x - nodeWidth / 2, y - nodeHeight / 2]
  const of = node.kind === 'object' ? rates.kinds.get(node.name) : undefined
  const below =
    of === undefined
      ? (node.notes[0] ?? '')
      : `${short(of.rate)}${of.ms === undefined ? '' : ` · ${milliseconds(of.ms)}`}`
  return html`<g class=${`node ${node.kind}`} transform=${`translate(${left} ${top})`}>
    <title>${[node.name, ...node.notes].join('\n')}</title>
    <rect width=${nodeWidth} height=${nodeHeight} rx=${node.kind === 'object' ? 12 : 5} />
    <text class="node-kind" x="12" y="17">${names[node.kind]}</text>
    <text class="node-name" x="12" y="34">${visibleKey(middle(node.name, room))}</text>
    <text class="node-note" x="12" y="50">${cut(below, Math.floor(room * 1.2))}</text>
  </g>`
}

const short = (perSecond: number): string => rate(perSecond).replace('/s', ' turns/s')
const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text)
/** Names of one app often begin alike: what is left out is in the middle. */
function middle(text: string, most: number): string {
  if (text.length <= most) return text
  const end = Math.ceil((most - 1) * 0.6)
  return `${text.slice(0, most - 1 - end)}…${text.slice(-end)}`
}

const nameIn = ({ nodes }: Topology, id: string): string => nodes.find((node) => node.id === id)?.name ?? id

/** From the side of one node to the side of another, through what the layout gives between them. */
function curve(points: readonly Point[], isTall: boolean): string {
  const [first, ...rest] = points
  if (first === undefined) return ''
  let path = `M${first.x} ${first.y}`
  let from = first
  for (const to of rest) {
    const bend = isTall ? (to.y - from.y) / 2 : (to.x - from.x) / 2
    path += isTall
      ? ` C${from.x} ${from.y + bend} ${to.x} ${to.y - bend} ${to.x} ${to.y}`
      : ` C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`
    from = to
  }
  return path
}

/** Where edges leave and enter: in the middle of a side, so that they do not end at corners. */
function ends(points: readonly Point[], from: Point, to: Point, nodeWidth: number, isTall: boolean): readonly Point[] {
  const isForward = isTall ? to.y > from.y : to.x > from.x
  if (!isForward) return points
  const [w, h] = isTall ? [0, nodeHeight / 2] : [nodeWidth / 2, 0]
  return [{ x: from.x + w, y: from.y + h }, ...points.slice(1, -1), { x: to.x - w, y: to.y - h }]
}
