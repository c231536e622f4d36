import { z } from 'zod'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import type { Schema } from '../schema.js'
import { json } from './json.js'

// `z.codec` came with zod 4.1: this file is not run with the least version, which is 4.0.

const date = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (at) => at.toISOString(),
})
const set = z.codec(z.array(z.string()), z.set(z.string()), {
  decode: (items) => new Set(items),
  encode: (items) => [...items],
})

const formed: readonly (readonly [name: string, schema: Schema])[] = [
  ['a date by a codec', z.object({ at: date, all: z.array(date) })],
  ['a set by a codec', set],
  [
    'bytes by a codec',
    z.codec(z.base64(), z.instanceof(Uint8Array), {
      decode: (text) => Buffer.from(text, 'base64'),
      encode: (bytes) => Buffer.from(bytes).toString('base64'),
    }),
  ],
  ['a boolean as text', z.stringbool()],
]

const asState = (state: Schema): unknown => stateObject('user', { state, init: () => ({}) as never })
const asPayload = (payload: Schema): unknown =>
  stateObject('user', { state: z.object({}), init: () => ({}) }).timers({ wake: payload })

describe('a schema with codecs', () => {
  it.each(formed)('is taken everywhere: %s', (_name, schema) => {
    for (const use of [asState, asPayload, json, (each: Schema) => topic('orders', each)])
      expect(() => use(schema)).not.toThrow()
  })

  it('is refused where what it is written as has no form', () => {
    const back = z.codec(z.date(), z.number(), { decode: Number, encode: (n) => new Date(n) })
    expect(() => asState(back)).toThrow("state object 'user': state: z.date() has")
    expect(() => asPayload(back)).toThrow("state object 'user': timer 'wake': payload: z.date() has")
    expect(() => topic('orders', back)).toThrow("topic 'orders': value: z.date() has")
  })

  it('goes back through the codecs of its schema', () => {
    const codec = json(z.object({ at: date, on: z.stringbool(), tags: z.array(date).optional() }))
    const value = { at: new Date(5), on: true }
    expect(codec.encode(value)).toBe('{"at":"1970-01-01T00:00:00.005Z","on":"true"}')
    expect(codec.decode(Buffer.from(codec.encode(value)))).toEqual(value)
    expect(() => codec.encode({ at: 5 as never, on: true })).toThrow(/^at: .*date/)
    expect(() => codec.encode({ at: new Date(NaN), on: true })).toThrow(/^at: /)
  })
})
