import fc from 'fast-check'
import { z } from 'zod'
import { bytes, text, type Codec } from '../codec/codec.js'
import { json } from '../codec/json/json.js'
import { StateCodec } from './state-codec.js'
import { versionIn, withoutVersion } from './state-version.js'

const counter = json(z.object({ n: z.number() }))
const anyVersion = fc.integer({ min: 1, max: 2_000 })

/** Its state on the way through the changelog into the store of a process that knows version `by`. */
function travelled(codec: Codec<never>, state: unknown, from: number, by = from): string {
  const writer = new StateCodec({ name: 'kind', codec: codec as Codec<unknown>, version: from })
  const reader = new StateCodec({ name: 'kind', codec: codec as Codec<unknown>, version: by })
  const wire = Buffer.from(writer.wire(writer.encode(state)))
  const version = writer.headers === undefined ? 1 : versionIn(writer.headers, { topic: 't', partition: 0 }, 0)
  return reader.fromWire(wire, 0, wire.length, version)
}

describe('stored state', () => {
  it('of version 1 is what its codec made, and has no headers', () => {
    const codec = new StateCodec({ name: 'kind', codec: counter as Codec<unknown> })
    expect(codec.encode({ n: 1 })).toBe('{"n":1}')
    expect(codec.headers).toBeUndefined()
  })

  it('is the same from the changelog as from the store, whatever its version and its first character', () => {
    const anyText = fc.tuple(fc.constantFrom('', '\u0001', '\u00012\u0001', '\u0001\u0001'), fc.string())
    fc.assert(
      fc.property(anyText, anyVersion, ([start, rest], version) => {
        const value = start + rest
        const codec = new StateCodec({ name: 'kind', codec: text() as Codec<unknown>, version })
        expect(codec.wire(codec.encode(value))).toBe(value)
        expect(codec.decode('a', codec.encode(value))).toBe(value)
        expect(travelled(text() as never, value, version)).toBe(codec.encode(value))
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array(), anyVersion, (rest, version) => {
        const value = Uint8Array.from([1, 50, 1, ...rest])
        const codec = new StateCodec({ name: 'kind', codec: bytes() as Codec<unknown>, version })
        expect(Buffer.from(codec.wire(codec.encode(value))).equals(value)).toBe(true)
        expect(codec.decode('a', travelled(bytes() as never, value, version))).toEqual(value)
      }),
    )
  })

  it('that begins like a version and is none is read as it is', () => {
    const codec = new StateCodec({ name: 'kind', codec: text() as Codec<unknown> })
    for (const value of ['\u0001', '\u0001\u0001', '\u000112', '\u0001a\u0001']) {
      expect(codec.decode('a', value)).toBe(value)
      expect(withoutVersion(value)).toBe(value)
    }
  })

  it('of an older version goes to migrate as the codec reads it without its schema, with its key and version', () => {
    const seen: unknown[] = []
    const codec = new StateCodec({
      name: 'kind',
      codec: counter as Codec<unknown>,
      version: 3,
      migrate: (...given) => {
        seen.push(given)
        return 'migrated'
      },
    })
    const stored = travelled(json(z.any()) as never, { old: true }, 2, 3)
    expect([codec.decode('a', '{"older":1}'), codec.decode('b', stored)]).toEqual(['migrated', 'migrated'])
    expect(seen).toEqual([
      ['a', { older: 1 }, 1],
      ['b', { old: true }, 2],
    ])
  })

  it('of a newer version is carried on by an older program, and never read', () => {
    const older = new StateCodec({ name: 'kind', codec: counter as Codec<unknown>, version: 2 })
    const stored = travelled(counter as never, { n: 7 }, 3, 2)
    expect(() => older.decode('a', stored)).toThrow(
      /kind 'a': state of version 3, this program knows 2: deploy the newer program/,
    )
    const newer = new StateCodec({ name: 'kind', codec: counter as Codec<unknown>, version: 3 })
    expect(newer.decode('a', stored)).toEqual({ n: 7 })
    expect(older.wire(stored)).toBe('{"n":7}')
  })

  it.each([
    ['does not fit the schema', '{"n":"1"}', /does not fit the schema \(n: .*number.*raise `version` to 2 and add/],
    ['is damaged', '{"n":', /bytes are damaged, or another codec than json is now has written them \(not JSON/],
  ])('that %s is told from the other', (_what, stored, message) => {
    const codec = new StateCodec({ name: 'kind', codec: counter as Codec<unknown> })
    expect(() => codec.decode('a', stored)).toThrow(message)
    expect(() => codec.decode('a', stored)).toThrow(
      expect.objectContaining({ code: 'STATE_UNREADABLE', kind: 'kind', key: 'a' }),
    )
  })

  it('that a codec without decodeRaw refuses may be either, and is not blamed on the schema', () => {
    const { decodeRaw: _without, ...blind } = counter
    const codec = new StateCodec({ name: 'kind', codec: blind as Codec<unknown> })
    expect(() => codec.decode('a', '{"n":"1"}')).toThrow(
      /bytes are damaged, or another codec than json is now has .*n: /,
    )
  })

  it('of an older version that is damaged never comes to migrate', () => {
    const migrate = (): never => {
      throw new Error('it came')
    }
    const codec = new StateCodec({ name: 'kind', codec: counter as Codec<unknown>, version: 2, migrate })
    expect(() => codec.decode('a', '{"n":')).toThrow(/damaged/)
  })
})

describe('the version in the headers of a changelog record', () => {
  const at = { topic: 'app-kind-changelog', partition: 2 }

  it('is 1 where there is none, also beside other headers', () => {
    expect(versionIn(new Map(), at, 5)).toBe(1)
    expect(versionIn(new Map([['traceparent', Buffer.from('3')]]), at, 5)).toBe(1)
  })

  it.each(['', '0', 'x', '2.5', ' 2', '-1', null])('is refused, with the place, when it is %j', (value) => {
    const headers = new Map([['v', value === null ? null : Buffer.from(value)]])
    expect(() => versionIn(headers, at, 5)).toThrow(/app-kind-changelog\[2\]@5: its header 'v'/)
  })
})
