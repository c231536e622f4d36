import { z } from 'zod'
import { bytes } from '../../codec/codec.js'
import { lookup } from '../../model/lookup.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { hopping, session } from '../../model/window.js'
import { testDriver } from '../../testing/driver.js'

const lists = topic('lists', z.object({ id: z.string(), items: z.array(z.string()) }))
const blobs = topic('blobs', bytes())
const names = topic('names', bytes())
const known = lookup(names)
const state = z.object({ items: z.array(z.string()) })
type State = z.infer<typeof state>
const init = (): State => ({ items: [] })
const key = ({ id }: { readonly id: string }): string => id
const list = () => stateObject('list', { state, init })

/** Takes everything out of what it is given: who gets the same again finds nothing. */
function drain(own: State, from: string[]): void {
  for (let item = from.shift(); item !== undefined; item = from.shift()) own.items.push(item)
}
const take = (own: State, { items }: { readonly items: string[] }): void => drain(own, items)
const takeLater = async (own: State, { items }: { readonly items: string[] }): Promise<void> => {
  await Promise.resolve()
  drain(own, items)
}
const merge = (a: State, b: State): State => ({ items: [...a.items, ...b.items] })
const dates = z.codec(z.array(z.string()), z.map(z.string(), z.string()), {
  decode: (listed) => new Map(listed.map((each) => [each, each])),
  encode: (map) => [...map.keys()],
})

const kinds: readonly (readonly [string, AnyStateObject])[] = [
  ['a record', list().on(lists, key, take)],
  ['a record of an asynchronous handler', list().on(lists, key, takeLater)],
  ['a record that hops', list().on(lists, { key, route: 'shuffle' }, take)],
  [
    'what a step has made',
    list().on(
      lists.map(({ id, items }) => ({ id, items: [...items] })),
      key,
      take,
    ),
  ],
  [
    'one of several that a step has made',
    list().on(
      lists.flatMap(({ id, items }) => items.map((item) => ({ id, items: [item] }))),
      key,
      take,
    ),
  ],
  [
    'a map that a step has made',
    list().on(
      lists.map(({ id, items }) => ({ id, map: new Map(items.map((item) => [item, item])) })),
      key,
      (own, { map }) => {
        own.items.push(...map.keys())
        map.clear()
      },
    ),
  ],
  [
    'windows that overlap',
    stateObject('list', { state, init, window: hopping('2m', { every: '1m' }) }).on(lists, key, take),
  ],
  ['sessions', stateObject('list', { state, init, window: session('1m', { merge }) }).on(lists, key, take)],
  [
    'the payload of a timer',
    list()
      .timers({ due: z.array(z.string()) })
      .on(lists, key, (_own, { items }, turn) => turn.timer('due', '1s', items))
      .onTimer('due', (own, items) => drain(own, items as string[])),
  ],
  [
    'the payload of a timer, a map',
    list()
      .timers({ due: dates })
      .on(lists, key, (_own, { items }, turn) => turn.timer('due', '1s', new Map(items.map((item) => [item, item]))))
      .onTimer('due', (own, map) => {
        own.items.push(...map.keys())
        ;(map as Map<string, string>).clear()
      }),
  ],
  [
    'bytes',
    list().on(
      blobs,
      () => 'a',
      (own, value) => {
        own.items.push(...Buffer.from(value).toString().split(''))
        value.fill(0)
      },
    ),
  ],
  [
    'a lookup row of bytes',
    list().on(lists, key, (own, _list, turn) => {
      const row = turn.lookup(known, 'a') as Uint8Array
      own.items.push(...Buffer.from(row).toString().split(''))
      row.fill(0)
    }),
  ],
]

it.each(kinds)('with replay each run of a turn has its own: %s', async (_name, kind) => {
  await using driver = testDriver({ objects: [kind], lookups: [known], partitions: 3, replay: 'every-record' })
  await driver.send(names, Buffer.from('xy'), { key: 'a' })
  if (kind.definition.inputs.some(({ id }) => id.startsWith('blobs'))) await driver.send(blobs, Buffer.from('xy'))
  else await driver.send(lists, { id: 'a', items: ['x', 'y'] })
  await driver.advance('1s')
  const entries = await driver.entries(kind as ReturnType<typeof list>)
  expect(new Set(entries.map(([, { items }]) => items.join()))).toEqual(new Set(['x,y']))
})
