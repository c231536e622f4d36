import { z } from 'zod'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { avro } from './avro/avro.js'
import { bytes, text, type Codec } from './codec.js'
import { guarded } from './guarded.js'
import { json } from './json/json.js'
import { long } from './numbers.js'

const given = (own: Partial<Codec<unknown>>): Codec<unknown> => ({
  format: 'own',
  encode: String,
  decode: (view) => view.length,
  ...own,
})
const rejected = (): never => Promise.reject(new Error('nobody waits for it')) as never

describe('a codec of a user', () => {
  it.each<[what: string, encoded: unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a number (5)', 5],
    ['an object', {}],
    ['an array', [1]],
    ['a promise', Promise.resolve('a')],
    ['a promise', rejected()],
    ['text with half a surrogate pair', 'a\ud800'],
  ])('that gives %s for a value is told so by name', (what, encoded) => {
    const codec = guarded(given({ encode: () => encoded as never }))
    expect(() => codec.encode(1)).toThrow(`codec 'own': the codec gave ${what}`)
    expect(() => codec.encode(1)).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }))
  })

  it('gives text and bytes as it likes, and what it reads', () => {
    const codec = guarded(given({ encode: (value) => (value === 1 ? 'one' : Buffer.from('x')) }))
    expect([codec.encode(1), codec.encode(2), codec.decode(Buffer.from('abc'))]).toEqual(['one', Buffer.from('x'), 3])
  })

  it('cannot wait for anything when it reads', () => {
    const codec = guarded(given({ decode: rejected, decodeRange: rejected, decodeText: rejected, decodeRaw: rejected }))
    const reads = [
      () => codec.decode(Buffer.alloc(1)),
      () => codec.decodeRange?.(Buffer.alloc(1), 0, 1),
      () => codec.decodeText?.(''),
      () => codec.decodeRaw?.(Buffer.alloc(1)),
    ]
    for (const read of reads) expect(read).toThrow("codec 'own' gave a promise when reading")
  })

  it('has the optional members that it has, and always text when it has decodeText', () => {
    expect(Object.keys(guarded(given({})))).toEqual(['format', 'encode', 'decode'])
    const codec = guarded(given({ encode: () => Buffer.from('a'), decodeText: (source) => source }))
    expect(() => codec.encode(1)).toThrow('with decodeText it must always give a string')
  })

  it('may be an instance of a class', () => {
    class Own {
      readonly format = 'own'
      readonly #prefix = '>'
      encode(value: unknown): string {
        return this.#prefix + String(value)
      }
      decode(view: Uint8Array): unknown {
        return this.#prefix + view.length
      }
    }
    const codec = guarded(new Own())
    expect([codec.encode(1), codec.decode(Buffer.alloc(2))]).toEqual(['>1', '>2'])
  })

  it('is guarded once: two topics of one codec have the same', () => {
    const codec = given({})
    expect(topic('a', codec).codec).toBe(topic('b', codec).codec)
    const state = z.unknown()
    const kind = stateObject('kind', { state, init: () => 1, codec })
    expect(kind.definition.codec).toBe(topic('a', codec).codec)
  })
})

describe('codecs of this library', () => {
  it('are used as they are', () => {
    for (const codec of [text(), bytes(), long(), json(z.string()), avro(z.string())] as Codec<unknown>[])
      expect(topic('a', codec).codec).toBe(codec)
  })
})
