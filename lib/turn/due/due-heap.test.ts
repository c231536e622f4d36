import fc from 'fast-check'
import type { Due } from '../../state/due.js'
import { DueHeap } from './due-heap.js'

const due = (dueMs: number, key = 'a'): Due => ({ dueMs, kind: 'k', key })

function takeAll(heap: DueHeap): Due[] {
  const taken: Due[] = []
  for (let next = heap.take(); next !== undefined; next = heap.take()) taken.push(next)
  return taken
}

describe('DueHeap', () => {
  it('gives each object once, for the first of its times, in order', () => {
    const command = fc.record({ dueMs: fc.integer({ min: -50, max: 50 }), key: fc.constantFrom('a', 'b', 'c', 'd') })
    fc.assert(
      fc.property(fc.array(command, { maxLength: 300 }), (commands) => {
        const heap = new DueHeap()
        const first = new Map<string, number>()
        for (const { dueMs, key } of commands) {
          heap.add(due(dueMs, key))
          first.set(key, Math.min(dueMs, first.get(key) ?? Infinity))
        }
        for (const now of [-51, 0, 50])
          expect(heap.dueBy(now)).toBe([...first.values()].filter((dueMs) => dueMs <= now).length)
        const taken = takeAll(heap)
        expect(new Map(taken.map(({ key, dueMs }) => [key, dueMs]))).toEqual(first)
        expect(taken.map(({ dueMs }) => dueMs)).toEqual([...first.values()].sort((a, b) => a - b))
      }),
    )
  })

  it('gives an object again that was put back', () => {
    const heap = new DueHeap()
    heap.add(due(5))
    heap.add(due(7))
    expect(heap.take()).toEqual(due(5))
    heap.add(due(7))
    expect(takeAll(heap)).toEqual([due(7)])
  })

  it.each([
    ['later', (i: number) => i],
    ['earlier', (i: number) => -i],
    ['now here, now there', (i: number) => (i * 7_919) % 10_007],
  ])('keeps few entries of objects that are due %s again and again', (_how, at) => {
    const heap = new DueHeap()
    for (let i = 0; i < 100_000; i++) heap.add(due(at(i), String(i % 10)))
    expect(heap.size).toBeLessThan(100)
  })
})
