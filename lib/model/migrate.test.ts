import { z } from 'zod'
import { bytes, text, type Codec } from '../codec/codec.js'
import type { KindDefinition } from './kind.js'
import { migrated } from './migrate.js'
import { stateObject, type StateObject } from './state-object.js'

const state = z.object({ all: z.array(z.number()), currency: z.string().default('EUR') })
const base = stateObject('account', { state, init: () => ({ all: [], currency: 'EUR' }), version: 3 })

const upTo3 = (one: (old: any) => unknown, two: (old: any) => unknown = (old) => old): KindDefinition =>
  (base.migrate(1, one).migrate(2, two) as StateObject).definition

describe('migrated state', () => {
  it('has gone through all steps since its version, in order, and through the schema', () => {
    const kind = upTo3(
      ({ n }) => ({ list: [n] }),
      ({ list }) => ({ all: list, leftOver: true }),
    )
    expect(migrated(kind, 'a', { n: 1 }, 1)).toEqual({ all: [1], currency: 'EUR' })
    expect(migrated(kind, 'a', { list: [1, 2] }, 2)).toEqual({ all: [1, 2], currency: 'EUR' })
  })

  it('may be the old object, changed in place and returned', () => {
    const kind = upTo3((old) => Object.assign(old, { all: [old.n] }))
    expect(migrated(kind, 'a', { n: 4 }, 1)).toEqual({ all: [4], currency: 'EUR' })
  })

  it.each([
    ['throws', () => (undefined as never as { x: { y: 1 } }).x.y, /migrate\(2, step\) failed \(Cannot read/],
    ['returns nothing', () => undefined, /migrate\(2, step\) failed \(it returned nothing/],
    ['returns a promise', () => Promise.reject(new Error('late')), /migrate\(2, step\) failed \(it returned a promise/],
    ['gives what does not fit', () => ({ all: ['1'] }), /the steps from 1 to 3 made of it .*\(all\.0: /],
  ])('is refused, naming kind, key, version and step, when a step %s', (_what, step, message) => {
    const kind = upTo3((old) => old, step)
    const migrating = (): unknown => migrated(kind, 'a', {}, 1)
    expect(migrating).toThrow(message)
    expect(migrating).toThrow(/^state object account 'a', stored by version 1: .*Repair .* and start again/)
    expect(migrating).toThrow(expect.objectContaining({ code: 'STATE_UNREADABLE', kind: 'account', key: 'a' }))
  })

  it('names the one step there was, when what it made does not fit', () => {
    expect(() =>
      migrated(
        upTo3((old) => old),
        'a',
        {},
        2,
      ),
    ).toThrow(/what migrate\(2, step\) made of it does not fit/)
  })
})

describe('a kind of a version above 1', () => {
  const blind: Codec<string> = { format: 'blind', encode: (value) => value, decode: (view) => String(view) }
  const define = (codec: Codec<any>, version?: number) =>
    stateObject('note', { state: z.any(), init: () => '', codec, ...(version && { version }) })

  it('needs a codec that reads what older versions have written', () => {
    expect(() => define(blind, 2)).toThrow(/note': version 2 needs a codec .* add decodeRaw to 'blind'/)
    expect(() => define(blind, 2)).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
    expect(() => [define(blind), define(blind, 1), define(text(), 2), define(bytes(), 2)]).not.toThrow()
    expect(() => define({ ...blind, decodeRaw: (view) => String(view) }, 2)).not.toThrow()
  })
})
