import * as fc from 'fast-check'
import {
  headersOf,
  lastHeader,
  noHeaders,
  sectionIn,
  split,
  surrounded,
  without,
  withoutFirst,
} from './header-section.js'
import { headersSize, writeHeaders, type HeaderSection } from './record-headers.js'

type Pairs = readonly (readonly [name: string, value: Uint8Array])[]

const pairs: fc.Arbitrary<Pairs> = fc.array(fc.tuple(fc.string({ maxLength: 5 }), fc.uint8Array({ maxLength: 200 })), {
  maxLength: 80,
})

/** Of a map, so that names come once. */
function sectionOf(headers: Pairs): HeaderSection {
  const map = new Map(headers)
  const section = Buffer.alloc(headersSize(map))
  writeHeaders(section, 0, map)
  return section
}

const hex = (section: HeaderSection | undefined): string | undefined => section && Buffer.from(section).toString('hex')

it('keeps what it is surrounded with apart from what it had', () => {
  fc.assert(
    fc.property(pairs, pairs, pairs, (before, own, behind) => {
      const section = sectionOf(own)
      const joined = surrounded(before, section, behind)
      expect(hex(sectionIn(Buffer.from(joined), 0, joined.length))).toBe(hex(joined))
      const [rest, last] = split(joined, behind.length) ?? []
      expect(last).toEqual(new Map(behind.map(([name, value]) => [name, Buffer.from(value)])))
      expect(hex(withoutFirst(before.length, rest as HeaderSection))).toBe(hex(section))
    }),
  )
})

it('has the last of several headers with one name in its map, and all of them in its bytes', () => {
  const section = surrounded([], sectionOf([['a', Buffer.from('1')]]), [
    ['a', Buffer.from('2')],
    ['b', Buffer.from('3')],
  ])
  expect([...headersOf(section)].map(([name, value]) => `${name}=${Buffer.from(value ?? []).toString()}`)).toEqual([
    'a=2',
    'b=3',
  ])
  expect(Buffer.from(lastHeader(section, 'b') ?? []).toString()).toBe('3')
  expect(lastHeader(section, 'a')).toBeUndefined()
  expect(lastHeader(noHeaders, 'a')).toBeUndefined()
  expect(split(section, 4)).toBeUndefined()
})

it('is rid of all headers of a name, and keeps the bytes of the others', () => {
  fc.assert(
    fc.property(pairs, pairs, pairs, (before, own, behind) => {
      const joined = surrounded(before, sectionOf(own), behind)
      const names = [...before, ...behind].map(([name]) => name)
      const kept = own.filter(([name]) => !names.includes(name))
      expect(hex(without(names, joined))).toBe(hex(sectionOf(kept)))
      expect(hex(without([], joined))).toBe(hex(joined))
    }),
  )
})

it('is not made of bytes that are no whole section', () => {
  const section = Buffer.from(sectionOf([['name', Buffer.from('value')]]))
  expect(() => sectionIn(section, 0, section.length - 1)).toThrow('does not fit the record')
  expect(() => sectionIn(Buffer.concat([section, Buffer.alloc(1)]), 0, section.length + 1)).toThrow('a total length')
})
