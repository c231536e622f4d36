import fc from 'fast-check'
import { z } from 'zod'
import { text } from '../codec/codec.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { testDriver } from './driver.js'
import type { CrashStep } from './life.js'

const lines = topic('lines', text())
const counts = topic('counts', z.object({ word: z.string(), count: z.number() }))
const seen = topic('seen', z.object({ word: z.string(), count: z.number() }))
const upper = topic('upper', text())

/** Every word hops; every turn emits; every object is published. */
const word = stateObject('word', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) })
  .on(
    lines.flatMap((line) => line.split(' ')),
    (w) => w,
    (state, w, turn) => {
      if (w === 'stop' && state.count === 1) return turn.delete()
      state.count++
      turn.emit(seen, { word: w, count: state.count })
    },
  )
  .publish(counts, (state, key) => ({ word: key, count: state.count }))
const flows = [lines.map((line) => line.toUpperCase()).to(upper)]

const steps: readonly (CrashStep | undefined)[] = [undefined, 'turn', 'before-end', 'after-end', 'before-store']

describe('the test driver', () => {
  it('runs the real definitions, hops, emits, rows and flows included', async () => {
    await using driver = testDriver({ objects: [word], flows })
    await driver.send(lines, 'a b a')
    await driver.send(lines, 'b a')
    expect([driver.state(word, 'a'), driver.state(word, 'b'), driver.state(word, 'c')]).toEqual([
      { count: 3 },
      { count: 2 },
      undefined,
    ])
    expect(driver.output(seen).filter(({ key }) => key === 'a')).toMatchObject([
      { value: { count: 1 } },
      { value: { count: 2 } },
      { value: { count: 3 } },
    ])
    expect(driver.output(counts).findLast(({ key }) => key === 'a')?.value).toEqual({ word: 'a', count: 3 })
    expect(driver.output(upper).map(({ value }) => value)).toEqual(expect.arrayContaining(['A B A', 'B A']))
    expect(driver.stats().turns).toBe(5)
  })

  it.each([
    [undefined, Date.UTC(2026, 0, 1)],
    [new Date('2030-05-05T10:00:00Z'), Date.UTC(2030, 4, 5, 10)],
    [1_000, 1_000],
  ])('begins at the time it is told: %p', async (now, expected) => {
    await using driver = testDriver({ objects: [word], partitions: 1, ...(now !== undefined && { now }) })
    await driver.send(lines, 'a')
    await driver.advance('1s')
    await driver.send(lines, 'a')
    expect(driver.output(seen).map(({ timestamp }) => timestamp)).toEqual([expected, expected + 1_000])
  })

  it.each([NaN, Infinity, 1e300, new Date(NaN), '2026-01-01', null])('refuses %p for the time to begin at', (now) => {
    expect(() => testDriver({ objects: [word], now: now as number })).toThrow(/now is .*give a Date, or milliseconds/)
  })

  it('writes a tombstone when an object is deleted, and begins anew afterwards', async () => {
    await using driver = testDriver({ objects: [word], partitions: 2 })
    await driver.send(lines, 'stop')
    await driver.send(lines, 'stop')
    expect(driver.state(word, 'stop')).toBeUndefined()
    expect(driver.output(counts).at(-1)).toMatchObject({ key: 'stop', value: null })
    await driver.send(lines, 'stop')
    expect(driver.state(word, 'stop')).toEqual({ count: 1 })
  })

  it.each(steps)('loses nothing and repeats nothing when the process dies at %s', async (step) => {
    await using driver = testDriver({ objects: [word], flows })
    await driver.send(lines, 'a b')
    await driver.crash(step)
    await driver.send(lines, 'a c')
    expect(driver.crashes).toBe(1)
    expect([driver.state(word, 'a'), driver.state(word, 'b'), driver.state(word, 'c')]).toEqual([
      { count: 2 },
      { count: 1 },
      { count: 1 },
    ])
    expect(
      driver
        .output(seen)
        .map(({ value }) => `${value?.word}${value?.count}`)
        .sort(),
    ).toEqual(['a1', 'a2', 'b1', 'c1'])
    expect(driver.output(upper)).toHaveLength(2)
  })

  it('restores from the changelogs when the disk is lost', async () => {
    await using driver = testDriver({ objects: [word] })
    await driver.send(lines, 'a b a')
    driver.loseDisk()
    await driver.crash()
    expect(driver.state(word, 'a')).toEqual({ count: 2 })
    expect(driver.stats().restoredRecords).toBe(2)
  })

  it('reads no changelog again that is in the local store', async () => {
    await using driver = testDriver({ objects: [word] })
    await driver.send(lines, 'a b a')
    await driver.crash()
    expect(driver.state(word, 'a')).toEqual({ count: 2 })
    expect(driver.stats().restoredRecords).toBe(0)
  })

  it('rejects with what stops the app', async () => {
    const broken = stateObject('broken', { state: z.object({}), init: () => ({}) }).on(
      lines,
      { key: (line) => line, onError: { attempts: 1, then: 'stop' } },
      () => {
        throw new Error('no')
      },
    )
    const driver = testDriver({ objects: [broken] })
    await expect(driver.send(lines, 'a')).rejects.toMatchObject({ code: 'HANDLER_FAILED', kind: 'broken', key: 'a' })
    await driver[Symbol.asyncDispose]()
  })

  it('gives the same result as a fold over the input, whatever it sends and wherever the process dies', async () => {
    const sentence = fc
      .array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 6 })
      .map((words) => words.join(' '))
    const action = fc.oneof(
      { weight: 4, arbitrary: sentence.map((line) => ({ line })) },
      { weight: 2, arbitrary: fc.constantFrom(...steps).map((crash) => ({ crash })) },
      { weight: 1, arbitrary: fc.constant({ lose: true as const }) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 14 }),
        fc.integer({ min: 1, max: 3 }),
        async (actions, partitions) => {
          await using driver = testDriver({ objects: [word], partitions })
          const model = new Map<string, number>()
          for (const each of actions) {
            if ('crash' in each) await driver.crash(each.crash)
            else if ('lose' in each) driver.loseDisk()
            else {
              await driver.send(lines, each.line)
              for (const w of each.line.split(' ')) model.set(w, (model.get(w) ?? 0) + 1)
            }
          }
          for (const [w, count] of model) {
            expect(driver.state(word, w)).toEqual({ count })
            const emitted = driver.output(seen).filter(({ key }) => key === w)
            expect(emitted.map(({ value }) => value?.count)).toEqual(Array.from({ length: count }, (_, i) => i + 1))
            expect(driver.output(counts).findLast(({ key }) => key === w)?.value).toEqual({ word: w, count })
          }
        },
      ),
      { numRuns: 40 },
    )
  }, 60_000)
})

describe('a crash', () => {
  it('is at a step that there is', async () => {
    await using driver = testDriver({ flows })
    await expect(driver.crash('befor-end' as never)).rejects.toMatchObject({ code: 'OPTIONS_INVALID' })
  })
})
