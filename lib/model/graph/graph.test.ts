import { z } from 'zod'
import { graphOf, type GraphPart } from './graph.js'
import { lookup } from '../lookup.js'
import { mermaidOf } from './mermaid.js'
import { program } from '../program.js'
import { stateObject } from '../state-object.js'
import { topic } from '../stream.js'
import { session } from '../window.js'

const orders = topic('orders', z.number(), { maxAhead: 'unlimited' })
const refunds = topic('refunds', z.number())
const totals = topic('totals', z.number(), { partitions: 3 })
const rates = topic('rates', z.number())
const key = (): string => 'k'
const add = (): void => undefined

const burst = stateObject('burst', {
  state: z.object({ n: z.number() }),
  init: () => ({ n: 0 }),
  window: session('1m', { merge: (a: { n: number }) => a }),
  emits: [totals],
})
  .on(orders.filter((n) => n > 1).merge(refunds.map((n) => -n)), key, add)
  .on(orders, key, add)
const outside: GraphPart = {
  nodes: [{ id: 'source:tap', type: 'source', name: 'tap', connector: 'a "tap" & <more>' }],
  edges: [{ from: 'source:tap', to: 'topic:orders', type: 'source', steps: '' }],
}
const graph = graphOf('shop', program([burst], [orders.map((n) => n).to(totals)], [lookup(rates)]), outside)

describe('the graph of a program', () => {
  it('has each topic and kind once, and what goes between them', () => {
    expect(graph.nodes.map(({ id }) => id)).toEqual([
      'topic:orders',
      'topic:refunds',
      'topic:rates',
      'topic:totals',
      'kind:burst',
      'source:tap',
    ])
    expect(graph.edges.map(({ from, type, steps, to }) => `${from} ${type}(${steps}) ${to}`)).toEqual([
      'topic:orders input(filter) kind:burst',
      'topic:refunds input(map) kind:burst',
      'topic:orders input() kind:burst',
      'kind:burst emits() topic:totals',
      'topic:orders flow(map) topic:totals',
      'source:tap source() topic:orders',
    ])
    expect(graph).toMatchObject({ app: 'shop', timers: 'shop-timers', deadLetters: 'shop-dlq' })
  })

  it('comes back from JSON as it is', () => {
    expect(JSON.parse(JSON.stringify(graph))).toEqual(graph)
  })

  it('says how topics are read and made, and nothing of how they are read where they are not', () => {
    const [read, , rows, written] = graph.nodes
    expect(read).toMatchObject({ read: { maxAheadMs: 'unlimited', eventTime: 'record' }, lookup: false })
    expect(rows).toMatchObject({ lookup: true })
    expect(written).toMatchObject({ partitions: 3 })
    expect(written).not.toHaveProperty('read')
  })

  it('is drawn with names that Mermaid takes, and each arrow once', () => {
    expect(mermaidOf(graph)).toBe(
      [
        'flowchart LR',
        '  n0(["orders"])',
        '  n1(["refunds"])',
        '  n2[("rates<br/>looked up")]',
        '  n3(["totals"])',
        '  n4["burst<br/>session window"]',
        '  n5{{"source tap<br/>a #34;tap#34; #38; #60;more#62;"}}',
        '  n0 -- "filter" --> n4',
        '  n1 -- "map" --> n4',
        '  n0 --> n4',
        '  n4 -- "emits" --> n3',
        '  n0 -- "map" --> n3',
        '  n5 --> n0',
      ].join('\n'),
    )
  })
})
