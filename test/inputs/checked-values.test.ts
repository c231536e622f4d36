import { createApp, stateObject, text, topic, type AnyStateObject, type Flow } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'
import { silentLogger } from '../../lib/core/logger.js'
import { memoryLog } from '../../lib/memory/memory-log.js'
import { readAll } from '../reading.js'

const iso = z.codec(z.iso.datetime(), z.date(), {
  decode: (at) => new Date(at),
  encode: (at) => at.toISOString(),
})
const tags = z.codec(z.array(z.string()), z.set(z.string()), {
  decode: (items) => new Set(items),
  encode: (items) => [...items],
})
const lines = topic('lines', text())
const letters = topic('test-dlq', text())
const onError = { attempts: 1, then: 'dead-letter' } as const

describe('state, timers and topics whose schemas have codecs', () => {
  it('keep what handlers work with: dates and sets come back after a crash', async () => {
    const seen = z.object({ at: iso, tags, on: z.stringbool(), last: z.coerce.date() })
    const out = topic('out', seen)
    const kind = stateObject('kind', {
      state: seen,
      init: () => ({ at: new Date(0), tags: new Set<string>(), on: false, last: new Date(1) }),
    })
      .timers({ wake: z.object({ at: iso }), quiet: z.void(), plain: z.coerce.date() }, { time: 'event' })
      .on(lines, { key: () => 'k', onError }, (state, line, turn) => {
        if (line === 'end') return
        state.at = new Date(state.at.getTime() + 1)
        state.tags.add(line)
        state.on = true
        turn.timer('wake', '1s', { at: state.at })
        turn.timer('plain', '2s', state.at)
        turn.timer('quiet', '3s', undefined)
        turn.emit(out, state)
      })
      .onTimer('wake', (state, { at }) => void state.tags.add(`woken ${at.getTime()}`))
      .onTimer('plain', (state, at) => void state.tags.add(`plain ${at.getTime()}`))
      .onTimer('quiet', (state, nothing) => void state.tags.add(`quiet ${String(nothing)}`))
      .publish(topic('rows', seen), (state) => state as z.infer<typeof seen>)
    await using driver = testDriver({ failures: 'expect', objects: [kind], replay: 'every-record' })
    const at = (ms: number): { key: string; timestamp: number } => ({ key: 'k', timestamp: Date.UTC(2026, 0) + ms })
    await driver.send(lines, 'a', at(0))
    driver.loseDisk()
    await driver.crash()
    await driver.send(lines, 'b', at(0))
    await driver.crash()
    await driver.send(lines, 'end', at(10_000))
    // Nothing came through the other partitions.
    await driver.advance('5s')
    const all = ['a', 'b', 'woken 2', 'plain 2', 'quiet undefined']
    expect(driver.output(letters)).toEqual([])
    expect(driver.state(kind, 'k')).toEqual({ at: new Date(2), tags: new Set(all), on: true, last: new Date(1) })
    const outputs = driver.output(out).map(({ value }) => value)
    expect(outputs[0]).toEqual({ at: new Date(1), tags: new Set(['a']), on: true, last: new Date(1) })
    expect(driver.output(topic('rows', text())).at(-1)?.value).toContain(
      '"at":"1970-01-01T00:00:00.002Z","tags":["a","b"',
    )
  })
})

interface Program {
  readonly objects?: readonly AnyStateObject[]
  readonly flows?: readonly Flow[]
}

const order = z.object({ id: z.string(), cents: z.int() })
const bad: readonly (readonly [what: string, value: unknown, said: string])[] = [
  ['a field of another type', { id: 5, cents: 1 }, 'id: '],
  ['a field that is missing', { id: 'bad' }, 'cents: '],
  ['NaN', { id: 'bad', cents: NaN }, 'cents: '],
  ['a fraction', { id: 'bad', cents: 1.5 }, 'cents: '],
  ['a promise', { id: 'bad', cents: Promise.resolve(1) }, 'cents: '],
  ['a bigint', { id: 'bad', cents: 1, more: 5n }, 'more is a bigint'],
  ['no object', 'bad', 'expected object'],
]

const ways: readonly (readonly [name: string, code: string, program: (out: never, value: unknown) => Program])[] = [
  [
    'an emit',
    'VALUE_INVALID',
    (out, value) => ({
      objects: [
        stateObject('kind', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
          lines,
          { key: (line) => line, onError },
          (state, line, turn) => {
            state.n++
            turn.emit(out, (line === 'bad' ? value : { id: line, cents: 1 }) as never)
          },
        ),
      ],
    }),
  ],
  [
    'a published row',
    'PUBLISH_FAILED',
    (out, value) => ({
      objects: [
        stateObject('kind', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) })
          .on(lines, { key: (line) => line, onError }, (state) => void state.n++)
          .publish(out, (_state, key) => (key === 'bad' ? value : { id: key, cents: 1 }) as never),
      ],
    }),
  ],
  [
    'a flow',
    'VALUE_INVALID',
    (out, value) => ({
      flows: [lines.map((line) => (line === 'bad' ? value : { id: line, cents: 1 })).to(out as never)],
    }),
  ],
]

describe.each(ways)('%s', (_name, code, program) => {
  it.each(bad)('is checked by the schema of its topic: %s', async (_what, value, said) => {
    const out = topic('out', order)
    await using driver = testDriver({ failures: 'expect', ...program(out as never, value), partitions: 1 })
    await driver.sendAll(lines, ['a', 'bad', 'b'])
    expect(driver.output(out).map((record) => record.value?.id)).toEqual(['a', 'b'])
    const [letter, ...others] = driver.output(letters)
    const header = (name: string): string => Buffer.from(letter?.headers.get(`millrace.error.${name}`) ?? '').toString()
    expect([letter?.value, others, header('code')]).toEqual(['bad', [], code])
    expect(header('message')).toContain(said)
  })

  it('is not checked where the topic says so', async () => {
    const out = topic('out', order, { checked: false })
    await using driver = testDriver({ ...program(out as never, { id: 5 }), partitions: 1 })
    await driver.sendAll(lines, ['a', 'bad', 'b'])
    expect(driver.output(letters)).toEqual([])
    expect(driver.output(topic('out', text())).map(({ value }) => value)).toEqual([
      '{"id":"a","cents":1}',
      '{"id":5}',
      '{"id":"b","cents":1}',
    ])
  })
})

describe('log.send', () => {
  it.each(bad)('rejects with the number of a value that its topic refuses: %s', async (_what, value, said) => {
    await using log = memoryLog({ partitions: 1 })
    await log.admin.create([{ name: 'out', partitions: 1, replicationFactor: -1, configs: {} }])
    const out = topic('out', order)
    const sent = log.send(out, [{ id: 'a', cents: 1 }, { id: 'b', cents: 2 }, value as never, { id: 'c', cents: 3 }])
    await expect(sent).rejects.toMatchObject({ code: 'VALUE_INVALID', topic: 'out' })
    await expect(log.send(out, [value as never])).rejects.toThrow(/^out: value 0 of those sent/)
    await expect(sent).rejects.toThrow(/^out: value 2 of those sent/)
    await expect(sent).rejects.toThrow(said)
    expect((await readAll(log, out)).map((record) => record.value?.id)).toEqual(['a', 'b'])
  })
})

describe('a topic with a codec', () => {
  it('is not told whether to check', () => {
    expect(() => topic('out', text(), { checked: false })).toThrow(
      /topic 'out': checked is for topics that are given a schema/,
    )
  })
})

describe('in production', () => {
  /** Leaves a state that its schema trims when it is read. */
  const trimmed = stateObject('trimmed', { state: z.object({ a: z.string().trim() }), init: () => ({ a: '' }) }).on(
    lines,
    { key: (line) => line, onError },
    (state, line) => {
      state.a = line.startsWith('bad') ? ' x' : 'x'
    },
  )

  async function lettersOf(kind: AnyStateObject, sent: readonly string[]): Promise<readonly string[]> {
    await using log = memoryLog({ partitions: 1 })
    await using app = createApp({ id: 'test', log, objects: [kind], createTopics: true, logger: silentLogger })
    await app.start()
    await log.send(lines, sent)
    await app.drained()
    return (await readAll(log, letters)).map(({ value, headers }) => `${value} ${headers['millrace.error.message']}`)
  }

  it('a state that would come back as another is found among the first of its kind, and then in a sample', async () => {
    const many = (count: number, from: number): string[] => Array.from({ length: count }, (_, i) => `good ${from + i}`)
    const found = await lettersOf(trimmed, ['bad', ...many(20, 0)])
    expect(found).toEqual([expect.stringContaining('a is " x" and would come back as "x"')])
    // Of the first 100, and later only one of a thousand: a bad one among many is not found, a thousand bad ones are.
    expect(await lettersOf(trimmed, [...many(150, 0), 'bad one'])).toEqual([])
    const bads = Array.from({ length: 1_100 }, (_, i) => `bad ${i}`)
    expect((await lettersOf(trimmed, [...many(150, 0), ...bads])).length).toBeGreaterThan(0)
  })

  it('what no schema tells is found whenever it is', async () => {
    const open = stateObject('open', { state: z.object({ a: z.any() }), init: () => ({ a: 0 as unknown }) }).on(
      lines,
      { key: (line) => line, onError },
      (state, line) => {
        state.a = line === 'bad' ? [NaN] : [1]
      },
    )
    const sent = [...Array.from({ length: 300 }, (_, i) => `good ${i}`), 'bad']
    expect(await lettersOf(open, sent)).toEqual([expect.stringContaining('a[0] is NaN and would come back as null')])
  })

  it('a field that the schema drops is not counted, as documented', async () => {
    const more = stateObject('more', { state: z.object({ n: z.number() }), init: () => ({ n: 0, more: 1 }) }).on(
      lines,
      { key: (line) => line, onError },
      (state) => void state.n++,
    )
    expect(await lettersOf(more, ['a'])).toEqual([])
    await using driver = testDriver({ failures: 'expect', objects: [more] })
    await driver.send(lines, 'a')
    const [letter] = driver.output(letters)
    expect(Buffer.from(letter?.headers.get('millrace.error.message') ?? '').toString()).toContain(
      'more is 1 and would be lost',
    )
  })
})
