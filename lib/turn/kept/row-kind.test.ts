import fc from 'fast-check'
import { systemClock } from '../../core/clock.js'
import { BatchRules } from '../../log/batch-rules.js'
import { TaskState } from '../../state/task-state.js'
import { memoryFolder } from '../../store/memory/memory-folder.js'
import { Parts } from './parts.js'
import { partRow, rowStateKind } from './row-kind.js'
import { objectOf, rowKey, taskRow } from './row.js'

const kind = fc.constantFrom('a', 'b', 'a.b', 'a_b', 'l0', 't1', '0')
/** Of objects: anything, with what our own keys are made of. */
const key = fc
  .array(fc.oneof(fc.constantFrom('/', '\0', '|', '+', '*', '.', ':', '0', '1', 'l', 't', 'a'), fc.string()), {
    maxLength: 6,
  })
  .map((all) => all.join('').toWellFormed())
const part = fc.oneof(
  fc.nat(20).map((n) => `w${n}`),
  fc.nat(20).map((n) => `l${n}`),
  key.map((name) => `t${name.length}:${name}`),
)
const place = fc.record({ kind, key, part: fc.option(part), index: fc.nat(12) })
type Place = typeof place extends fc.Arbitrary<infer T> ? T : never

function nameOf({ kind: of, key: object, part: name, index }: Place): string {
  const owner = rowKey(of, object)
  return name === null ? owner : partRow(owner, name, index)
}

describe('keys of rows', () => {
  it('are never those of another object, or of another part', () => {
    fc.assert(
      fc.property(place, place, (one, other) => {
        const isSame = one.kind === other.kind && one.key === other.key && one.part === other.part
        const isSameRow = isSame && (one.part === null || one.index === other.index)
        expect(nameOf(one) === nameOf(other)).toBe(isSameRow)
        expect(nameOf(one)).not.toBe(taskRow)
      }),
      { numRuns: 500 },
    )
  })

  it('say which object they belong to', () => {
    fc.assert(
      fc.property(kind, key, (of, object) => expect(objectOf(rowKey(of, object))).toEqual({ kind: of, key: object })),
    )
  })
})

describe('parts of a row', () => {
  async function open(maxBytes: number, cacheEntries: number) {
    const rules = new BatchRules()
    rules.note('app-timers', new Map([['max.message.bytes', String(maxBytes)]]))
    const store = await memoryFolder().open(0, { purpose: 'live' })
    const meta = { format: 1 as const, changelogs: {}, positions: {}, bootId: 'b', clean: false, appliedAt: 0 }
    const kinds = [rowStateKind(rules.of('app-timers'))]
    const state = new TaskState({ task: 0, kinds, store, meta, cacheEntries, clock: systemClock })
    let seq = 0
    return {
      state,
      parts: (owner: string) => new Parts(state.tables[0] as never, owner, seq + 1),
      async commit(flush: boolean): Promise<readonly (string | null)[]> {
        const changes = state.changes()
        state.seal(++seq, changes)
        state.committed(changes, seq, new Map(), { positions: new Map(), topics: new Map() })
        if (flush) await state.flush()
        return changes.tables[0]?.values ?? []
      },
    }
  }

  it('come back as they were put, whatever their size, in records that the topic takes', async () => {
    const sizes = [0, 1, 799, 800, 801, 1_600, 5_000, 100_000]
    for (const maxBytes of [1_048_588, 1_000]) {
      const world = await open(maxBytes, 1)
      const contents = sizes.map((size) => Buffer.from(Uint8Array.from({ length: size }, (_, i) => i)))
      contents.forEach((content, i) => world.parts(`kind/${i % 2}`).put(`w${i}`, content))
      const written = await world.commit(true)
      for (const value of written)
        expect(Buffer.byteLength(value ?? '', 'latin1')).toBeLessThan(Math.max(maxBytes, 1_100))
      contents.forEach((content, i) =>
        expect(
          world
            .parts(`kind/${i % 2}`)
            .get(`w${i}`)
            ?.equals(content),
        ).toBe(true),
      )
      contents.forEach((_, i) => world.parts(`kind/${i % 2}`).delete(`w${i}`))
      const deleted = await world.commit(false)
      expect(deleted).toHaveLength(written.length)
      expect(new Set(deleted)).toEqual(new Set([null]))
      contents.forEach((_, i) => expect(world.parts(`kind/${i % 2}`).get(`w${i}`)).toBeUndefined())
    }
  })

  it('are not kept in memory once they are in the store', async () => {
    const world = await open(1_048_588, 100_000)
    const [table] = world.state.tables
    world.parts('kind/a').put('w0', Buffer.alloc(1_000))
    const key = partRow('kind/a', 'w0', 0)
    await world.commit(false)
    expect(table?.cached(key)).toBeDefined()
    await world.commit(true)
    expect(table?.cached(key)).toBeUndefined()
    expect(world.parts('kind/a').get('w0')).toEqual(Buffer.alloc(1_000))
    expect(table?.cached(key)).toBeUndefined()
  })
})
