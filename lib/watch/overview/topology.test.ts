import { z } from 'zod'
import { graphOf } from '../../model/graph/graph.js'
import { lookup } from '../../model/lookup.js'
import { program } from '../../model/program.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { topologyOf } from './topology.js'

const schema = z.object({ n: z.number() })
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => topic(name, schema)) as any[]

describe('the topology that is drawn', () => {
  it('has each node and each way once, with the topic whose rate it shows', () => {
    const kind = stateObject('sum', { state: schema, init: () => ({ n: 0 }), emits: [c] })
      .on(
        a.filter(() => true).merge(b),
        (_: unknown, { key }: { key: string | null }) => key,
        () => undefined,
      )
      .publish(c, (state: { n: number }) => state)
    const graph = graphOf('app', program([kind], [a.map((value: unknown) => value).to(d)], [lookup(b)]))
    const { nodes, edges, deadLetters } = topologyOf(graph)
    expect(deadLetters).toBe('app-dlq')
    expect(nodes.map(({ id, kind }) => [id, kind])).toEqual(
      expect.arrayContaining([
        ['topic:a', 'topic'],
        ['topic:b', 'lookup'],
        ['kind:sum', 'object'],
        ['topic:c', 'topic'],
        ['topic:d', 'topic'],
      ]),
    )
    expect(edges).toEqual([
      { from: 'topic:a', to: 'kind:sum', type: 'input', topic: 'a', rate: 'read', label: 'filter' },
      { from: 'topic:b', to: 'kind:sum', type: 'input', topic: 'b', rate: 'read', label: '' },
      { from: 'kind:sum', to: 'topic:c', type: 'emits', topic: 'c', rate: 'written', label: '' },
      { from: 'topic:a', to: 'topic:d', type: 'flow', topic: 'd', rate: 'written', label: 'map' },
    ])
  })
})
