import { z } from 'zod'
import { text } from '../codec/codec.js'
import { json } from '../codec/json/json.js'
import { integer, long } from '../codec/numbers.js'
import type { RecordInfo } from '../core/record.js'
import { describeGraph } from './graph/describe.js'
import { graphOf } from './graph/graph.js'
import { lookup } from './lookup.js'
import { paths } from './paths.js'
import { program, type Program } from './program.js'
import { stateObject } from './state-object.js'
import { topic, type StreamNode } from './stream.js'
import { tumbling } from './window.js'

const describeProgram = (app: string, described: Program): string => describeGraph(graphOf(app, described))
const record = {} as RecordInfo
const numbers = topic('numbers', z.number())
const others = topic('others', z.number())
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) })
const keyOf = (): string => 'k'
const add = (): void => undefined

/** What comes out of a stream when these values go in. */
function through(node: StreamNode, values: readonly unknown[]): unknown[] {
  const out: unknown[] = []
  for (const path of paths(node)) {
    const push = path.fuse((value) => out.push(value))
    for (const value of values) push(value, record)
  }
  return out
}

describe('streams', () => {
  it('fuse their steps in order', () => {
    const stream = numbers
      .filter((n) => n > 1)
      .map((n) => n * 10)
      .flatMap((n) => [n, n + 1])
    expect(through(stream.node, [1, 2, 3])).toEqual([20, 21, 30, 31])
  })

  it('know whether a step may have changed the value', () => {
    expect(paths(numbers.filter((n) => n > 1).node).map((path) => path.changed)).toEqual([false])
    expect(paths(numbers.merge(others.map((n) => n)).node).map((path) => path.changed)).toEqual([false, true])
  })

  it('branch by the first test that holds, and the rest', () => {
    const { small, even, rest } = numbers.branch({ small: (n) => n < 3, even: (n) => n % 2 === 0 })
    const values = [1, 2, 3, 4, 5]
    expect([small, even, rest].map((stream) => through(stream.node, values))).toEqual([[1, 2], [4], [3, 5]])
  })

  it('are not changed by the steps taken from them', () => {
    numbers.filter(() => false)
    expect(through(numbers.node, [1])).toEqual([1])
  })
})

describe('definitions', () => {
  it('number inputs per source, so that adding one does not readdress hopped records', () => {
    const kind = counter.on(numbers, keyOf, add).on(others, keyOf, add).on(numbers.map(String), keyOf, add)
    expect(kind.definition.inputs.map(({ id }) => id)).toEqual(['numbers#0', 'others#0', 'numbers#1'])
  })

  it.each([
    ['a topic name Kafka does not allow', () => topic('a b', z.string()), /not a topic name/],
    ['a kind name with a dash', () => stateObject('a-b', { state: z.string(), init: () => '' }), /no dash/],
    ['a branch named rest', () => numbers.branch({ rest: () => true }), /rest/],
    ['an app that does nothing', () => program([], []), /does nothing/],
    ['a kind that reads nothing', () => program([counter], []), /reads nothing/],
    [
      'two kinds of one name',
      () => program([counter.on(numbers, keyOf, add), counter.on(others, keyOf, add)], []),
      /named 'counter'/,
    ],
    [
      'a topic with two codecs',
      () => program([counter.on(topic('t', text()), keyOf, add).on(topic('t', json(z.number())), keyOf, add)], []),
      /defined twice/,
    ],
    [
      'a lookup table with two codecs',
      () => program([counter.on(numbers, keyOf, add)], [], [lookup(topic('t', text())), lookup(topic('t', z.any()))]),
      /defined twice/,
    ],
    ['a lookup of a stream', () => lookup(numbers.filter(() => true) as never), /a topic is needed here/],
    [
      'a topic in the place of a lookup table',
      () => program([counter.on(numbers, keyOf, add)], [], [others as never]),
      /lookups: give it tables/,
    ],
  ])('refuse %s', (_what, make, message) => {
    expect(make).toThrow(message)
  })

  it('list every topic and store name', () => {
    const kind = counter.on(numbers.map(String), keyOf, add).publish(others, (state) => state.n)
    expect(describeProgram('app', program([kind], [numbers.to(others)], [lookup(topic('rates', z.number()))]))).toBe(
      [
        'app app',
        '  reads numbers (json; invalid: dead-letter)',
        '  looks up rates (json)',
        '  state object counter (json)',
        '    on numbers#0: numbers → map → key → turn (route: auto; errors: again for 15m, then dead-letter)',
        '    publishes others (json)',
        '    changelog app-counter-changelog',
        '    inbox     app-counter-inbox',
        '  flow numbers → others (json)',
        '  timers and turns that wait app-timers',
        '  dead letters app-dlq',
      ].join('\n'),
    )
  })

  it('show which times topics take, and what their keys are, where that is not as with most', () => {
    const events = topic('events', z.number(), { timestamp: (n) => n, maxAhead: '1m', key: long() })
    const old = topic('old', z.number(), { maxAhead: 'unlimited' })
    const untimed = topic('untimed', z.number(), { maxAhead: '1m' })
    const clamping = topic('out', z.number(), { timestamps: 'clamp', key: integer() })
    const windowed = stateObject('w', { state: z.number(), init: () => 0, window: tumbling('1m') })
    const kinds = [windowed.on(events, keyOf, add).on(old, keyOf, add), counter.on(untimed, keyOf, add)]
    const lines = describeProgram('app', program(kinds, [numbers.to(clamping)])).split('\n')
    expect(lines.filter((line) => /reads|→ out/.test(line))).toEqual([
      '  reads events (json; keys: long; invalid: dead-letter; event time: from its values; ahead of the clock: at most 1m)',
      '  reads old (json; invalid: dead-letter; ahead of the clock: unlimited)',
      '  reads untimed (json; invalid: dead-letter)',
      '  reads numbers (json; invalid: dead-letter)',
      '  flow numbers → out (json; keys: integer; timestamps: clamp)',
    ])
  })

  it('show how long turns are tried again, and what pauses an input, where that was said', () => {
    const kind = counter
      .on(numbers, { key: keyOf, onError: { attempts: 3, for: '1m', quarantine: '1h' }, breaker: { after: 10 } }, add)
      .on(numbers, { key: keyOf, onError: { attempts: 1, then: 'skip' } }, add)
    const lines = describeProgram('app', program([kind], [])).split('\n')
    expect(lines.filter((line) => line.includes(' on '))).toEqual([
      '    on numbers#0: numbers → key → turn (route: auto; errors: 3 attempts or again for 1m, then dead-letter and quarantine for 1h; pauses: after 10 failing objects, tries every 5s)',
      '    on numbers#1: numbers → key → turn (route: auto; errors: skip)',
    ])
  })
})
