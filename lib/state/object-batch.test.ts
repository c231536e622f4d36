import fc from 'fast-check'
import { memoryFolder } from '../store/memory/memory-folder.js'
import { dueKey, dueFrom } from './due.js'
import { ObjectBatch } from './object-batch.js'

/** Objects that are numbers, due at those times. */
const kind = {
  name: 'k',
  dues: (key: string, stored: string): string[] =>
    (JSON.parse(stored) as number[]).map((dueMs) => dueKey('event', { dueMs, kind: 'k', key })),
}
const write = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  value: fc.option(fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 3 }), { nil: null }),
})

describe('ObjectBatch', () => {
  it('lists what is stored, and nothing of what was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(write, { maxLength: 6 }), { maxLength: 6 }), async (batches) => {
        const store = await memoryFolder().open(0, { purpose: 'live' })
        const objects = new Map<string, string>()
        for (const writes of batches) {
          const batch = store.batch()
          const list = new ObjectBatch(store, batch)
          for (const { key, value } of writes) {
            list.write(kind, key, value === null ? null : JSON.stringify(value))
            if (value === null) objects.delete(key)
            else objects.set(key, JSON.stringify(value))
          }
          await batch.write({ sync: false })
        }
        const listed: string[] = []
        const range = { from: dueFrom('event', -Infinity), to: dueFrom('event', Infinity) }
        for await (const [each] of store.entries(range)) listed.push(each)
        const expected = [...objects].flatMap(([key, stored]) => kind.dues(key, stored))
        expect(listed).toEqual([...new Set(expected)].sort())
        for (const key of ['a', 'b', 'c']) expect(store.get(`k\0${key}`)).toBe(objects.get(key))
      }),
    )
  })
})
