import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { listeningLogger, readAll, type Read } from '../../../test/reading.js'
import { refusingLog, type Appended, type RefusingOptions } from '../../../test/refusing-log.js'
import { systemClock } from '../../core/clock.js'
import { text } from '../../codec/codec.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import type { InputOptions } from '../../model/inputs.js'
import { stateObject, type Handler } from '../../model/state-object.js'
import { topic, type Flow, type Topic } from '../../model/stream.js'
import { hopping, tumbling } from '../../model/window.js'
import { drained } from '../drain.js'
import { CommittedState } from '../state-reader.js'

/** Lines are `<key> <what>`. */
const lines = topic('lines', text())
const strict = topic('lines', text(), { onInvalid: 'stop' })
const loose = topic('lines', text(), { onInvalid: 'skip' })
const out = topic('out', text())
const rows = topic('rows', z.object({ seen: z.array(z.string()) }))
const letters = topic('app-dlq', text())

interface Seen {
  seen: string[]
}
const shape = { state: z.object({ seen: z.array(z.string()) }), init: (): Seen => ({ seen: [] }) }
const key = (line: string): string => line.split(' ')[0] as string

/** What is refused: all that has `poison` in it and goes to one of these topics. */
const poisonFor =
  (...names: readonly string[]) =>
  ({ topic: name, value }: Appended): boolean =>
    names.includes(name) && value?.includes('poison') === true

type Notes = ReturnType<typeof notes>
/** Keeps the lines of a key, and does more. */
function notes(
  more: Handler<Seen, string> = () => undefined,
  input: Omit<InputOptions<string>, 'key'> = {},
  from: Topic<string> = lines,
) {
  return stateObject('notes', shape).on(from, { key, ...input }, (state, line, turn) => {
    state.seen.push(line)
    return more(state, line, turn)
  })
}

const emits: Handler<Seen, string> = (_state, line, turn) => turn.emit(out, line)

interface World extends RefusingOptions {
  readonly objects?: readonly Notes[]
  readonly flows?: readonly Flow[]
  readonly refuses: (record: Appended) => boolean
  readonly partitions?: number
  readonly guarantee?: 'exactly-once' | 'at-least-once'
  readonly commitIntervalMs?: number
  readonly log?: MemoryLog
}

interface Ran {
  readonly state: Readonly<Record<string, readonly string[]>>
  readonly out: readonly (string | null)[]
  readonly rows: readonly Read<Seen>[]
  readonly letters: readonly Read<string>[]
  readonly warnings: readonly string[]
  readonly stats: Instance['engine']['stats']
}

/** All that an app came to that has processed these lines. Throws what stopped it. */
async function run(input: readonly string[], world: World): Promise<Ran> {
  const { objects = [], flows = [], refuses, partitions = 1, ...more } = world
  const { guarantee = 'exactly-once', commitIntervalMs = 10 } = more
  const log = world.log ?? memoryLog({ partitions })
  const logger = listeningLogger()
  const wrap = (port: Parameters<typeof refusingLog>[0]) => refusingLog(port, refuses, more)
  const instance = new Instance({
    app: 'app',
    log,
    objects,
    flows,
    logger,
    wrap,
    engine: { guarantee, commitIntervalMs },
  })
  const { engine } = instance
  try {
    await log.send(lines, input, { key })
    await engine.start()
    await drained(engine)
    const state: Record<string, readonly string[]> = {}
    for (const kind of objects)
      for await (const [name, value] of new CommittedState(engine, kind).entries())
        state[name] = (value as unknown as Seen).seen
    const made = new Set(await log.admin.list(''))
    const emitted = made.has('out') ? (await readAll(log, out)).map(({ value }) => value) : []
    const published = made.has('rows') ? await readAll(log, rows) : []
    const { warnings } = logger
    return { state, out: emitted, rows: published, letters: await readAll(log, letters), warnings, stats: engine.stats }
  } finally {
    await engine.stop(1_000)
  }
}

const many = (count: number, of: string, name = 'k'): string[] =>
  Array.from({ length: count }, (_, i) => `${name} ${of}${i}`)
const poisonAt = (count: number, ...places: readonly number[]): string[] =>
  many(count, '').map((line, i) => (places.includes(i) ? `${line} poison` : line))
const good = (input: readonly string[]): string[] => input.filter((line) => !line.includes('poison'))
const bad = (input: readonly string[]): string[] => input.filter((line) => line.includes('poison'))
const valuesOf = (read: readonly Read<string>[]): (string | null)[] => read.map(({ value }) => value)

const input = poisonAt(120, 0, 17, 18, 119)

describe('a record of which a broker refuses what it led to', () => {
  it.each([
    ['emitted', { objects: [notes(emits)], refuses: poisonFor('out') }],
    ['emitted, its place not named', { objects: [notes(emits)], refuses: poisonFor('out'), names: false }],
    ['emitted, for another reason', { objects: [notes(emits)], refuses: poisonFor('out'), brokerCode: 32 }],
    [
      'emitted by a handler that waits',
      {
        objects: [
          notes(async (_state, line, turn) => {
            await new Promise(setImmediate)
            turn.emit(out, line)
          }),
        ],
        refuses: poisonFor('out'),
      },
    ],
    ['state', { objects: [notes(emits)], refuses: poisonFor('app-notes-changelog') }],
    [
      'a row',
      { objects: [notes(emits).publish(rows, ({ seen }) => ({ seen: [...seen] }))], refuses: poisonFor('rows') },
    ],
    ['a hop', { objects: [notes(emits, { route: 'shuffle' })], refuses: poisonFor('app-notes-inbox') }],
  ] as const)('is refused as a whole, and all others are exact: %s', async (_what, world) => {
    const ran = await run(input, world)
    expect(ran.state).toEqual({ k: good(input) })
    expect(ran.out).toEqual(good(input))
    expect(valuesOf(ran.letters)).toEqual(bad(input))
    expect(ran.letters[1]?.headers).toMatchObject({
      'millrace.error.code': 'RECORDS_REFUSED',
      'millrace.source.topic': 'lines',
      'millrace.source.offset': '17',
    })
    expect(ran.letters[1]?.headers['millrace.error.message']).toMatch(/lines\[0\]@17: .*the broker refuses/)
  })

  it('takes the way of its topic when a flow has written it', async () => {
    const ran = await run(input, {
      flows: [lines.map((line) => line.toUpperCase()).to(out)],
      refuses: ({ value, topic: name }) => name === 'out' && value?.includes('POISON') === true,
    })
    expect(ran.out).toEqual(good(input).map((line) => line.toUpperCase()))
    expect(valuesOf(ran.letters)).toEqual(bad(input))
  })

  it('is skipped where its topic says so', async () => {
    const ran = await run(input, { objects: [notes(emits, {}, loose)], refuses: poisonFor('out') })
    expect(ran.out).toEqual(good(input))
    expect(ran.letters).toEqual([])
    expect(ran.stats.refused).toBe(4)
  })

  it('stops the app where its topic says so, with all before it committed, and again at the next start', async () => {
    const log = memoryLog({ partitions: 1 })
    const lines120 = poisonAt(120, 17)
    const world = { objects: [notes(emits, {}, strict)], refuses: poisonFor('out'), log }
    const stopped = { code: 'RECORDS_REFUSED', topic: 'lines', partition: 0, offset: 17 }
    await expect(run(lines120, world)).rejects.toMatchObject(stopped)
    await expect(run([], world)).rejects.toMatchObject(stopped)
    expect(valuesOf(await readAll(log, out))).toEqual(lines120.slice(0, 17))
  })

  it('costs about twice as many commits as its number can be halved', async () => {
    const count = 10_000
    const each = Array.from({ length: count }, (_, i) => `${i} ${i === 6_789 ? 'poison' : 'good'}`)
    const ran = await run(each, { objects: [notes(emits)], refuses: poisonFor('out'), commitIntervalMs: 60_000 })
    expect(ran.out).toHaveLength(count - 1)
    const halved = Math.log2(count)
    expect(ran.stats.rollbacks).toBeLessThanOrEqual(halved + 2)
    expect(ran.stats.rollbacks + ran.stats.commits).toBeLessThan(4 * halved)
  })
})

describe('a batch that is too large, with no record in it that is,', () => {
  it.each(['out', 'app-notes-inbox'])('goes to %s in several commits, and nobody is blamed', async (name) => {
    const world = { objects: [notes(emits, { route: 'shuffle' })], refuses: () => false }
    const ran = await run(many(120, ''), { ...world, most: { records: 7, topics: [name] }, commitIntervalMs: 60_000 })
    expect(ran.out).toEqual(many(120, ''))
    expect(ran.letters).toEqual([])
  })
})

describe('a turn of which a broker refuses what it wrote', () => {
  it('fails for good when its record had hopped, and its object is in quarantine', async () => {
    const mixed = [...many(50, '', 'a'), 'b poison', ...many(50, 'later', 'b'), ...many(50, 'later', 'a')]
    const ran = await run(mixed, {
      objects: [notes(emits, { route: 'shuffle' })],
      refuses: poisonFor('out'),
      partitions: 3,
    })
    expect(ran.state).toEqual({ a: [...many(50, '', 'a'), ...many(50, 'later', 'a')] })
    expect(valuesOf(ran.letters)).toEqual(['b poison', ...many(50, 'later', 'b')])
    expect(ran.letters[0]?.headers).toMatchObject({
      'millrace.error.code': 'RECORDS_REFUSED',
      'millrace.kind': 'notes',
      'millrace.key': 'b',
      'millrace.letter': '1',
    })
    expect(ran.letters[1]?.headers).toMatchObject({ 'millrace.error.code': 'QUARANTINED' })
  })

  it('fails for good when a timer had begun it; other timers fire', async () => {
    const kind = stateObject('notes', shape)
      .timers({ wake: z.string() })
      .on(lines, { key }, (state, line, turn) => {
        state.seen.push(line)
        turn.timer('wake', 0, line)
      })
      .onTimer('wake', (state, line, turn) => {
        state.seen.push(`woken by ${line}`)
        turn.emit(out, line)
      })
    const ran = await run(['a 1', 'b poison', 'c 3', 'd 4'], { objects: [kind as never], refuses: poisonFor('out') })
    expect([...ran.out].sort()).toEqual(['a 1', 'c 3', 'd 4'])
    expect(ran.state['b']).toEqual(['b poison'])
    expect(ran.state['c']).toEqual(['c 3', 'woken by c 3'])
    expect(ran.letters.map(({ headers }) => [headers['millrace.key'], headers['millrace.input']])).toEqual([
      ['b', 'timer:wake'],
    ])
  })

  it('fails for good when it was a further attempt', async () => {
    const failed = new Set<string>()
    const kind = notes(
      (_state, line, turn) => {
        if (!failed.has(line)) {
          failed.add(line)
          throw new Error('the first time')
        }
        turn.emit(out, line)
      },
      { onError: { attempts: 5, backoff: 0, then: 'dead-letter' } },
    )
    const ran = await run(['a 1', 'b poison', 'c 3'], { objects: [kind], refuses: poisonFor('out') })
    expect([...ran.out].sort()).toEqual(['a 1', 'c 3'])
    expect(ran.state).toEqual({ a: ['a 1'], c: ['c 3'] })
    expect(valuesOf(ran.letters)).toEqual(['b poison'])
  })
})

describe('what was due, of which a broker refuses what it wrote,', () => {
  it('is an object that lives on when its deletion is refused', async () => {
    const isDeletion = ({ topic: name, value, key: of }: Appended): boolean =>
      name === 'app-notes-changelog' && value === null && of === 'a'
    const kind = stateObject('notes', { ...shape, ttl: 20 }).on(
      lines,
      { key },
      (state, line) => void state.seen.push(line),
    )
    await using log = memoryLog({ partitions: 1 })
    const logger = listeningLogger()
    const wrap = (port: Parameters<typeof refusingLog>[0]) => refusingLog(port, isDeletion)
    const { engine, ...instance } = new Instance({ app: 'app', log, objects: [kind], logger, wrap })
    await log.send(lines, ['a 1', 'b 1'], { key })
    await engine.start()
    await drained(engine)
    const state = new CommittedState(engine, kind)
    while (!logger.warnings.some((warning) => warning.includes(`refused for what waits for notes 'a'`)))
      await systemClock.sleep(5)
    while ((await state.get('b')) !== undefined) await systemClock.sleep(5)
    expect(await state.get('a')).toEqual({ seen: ['a 1'] })
    expect(instance.failure).toBeUndefined()
    await engine.stop(1_000)
  })
})

describe('a record in many windows', () => {
  it('fails in all of them when it had hopped, and others are in theirs', async () => {
    const kind = stateObject('notes', { ...shape, window: hopping('100h', { every: '1h' }) }).on(
      lines,
      { key, route: 'shuffle' },
      (state, line, turn) => {
        state.seen.push(line)
        turn.emit(out, line)
      },
    )
    const ran = await run(['a 1', 'b poison', 'c 3'], { objects: [kind as never], refuses: poisonFor('out') })
    expect(ran.out.filter((line) => line === 'a 1')).toHaveLength(100)
    expect(ran.out.filter((line) => line === 'c 3')).toHaveLength(100)
    expect(ran.out).toHaveLength(200)
    const objects = ran.letters.map(({ headers }) => headers['millrace.key'])
    expect(new Set(objects).size).toBe(100)
    expect(objects).toHaveLength(100)
  })
})

describe('a window that closes', () => {
  it('fails for good, and others close', async () => {
    const hours = topic('lines', text(), { timestamp: (line) => Number(line.split(' ')[1]) * 3_600_000 })
    const timed = stateObject('notes', { ...shape, window: tumbling('1h') })
      .on(hours, { key }, (state, line) => void state.seen.push(line))
      .onClose((state, turn) => state.seen.forEach((line) => turn.emit(out, line)))
    const lines5 = ['a 1', 'b 1 poison', 'c 1', 'd 9', 'e 20']
    const ran = await run(lines5, { objects: [timed as never], refuses: poisonFor('out') })
    expect(ran.out).toEqual(['a 1', 'c 1', 'd 9'])
    expect(ran.letters.map(({ headers }) => [headers['millrace.key'], headers['millrace.input']])).toEqual([
      ['b|3600000|7200000', 'close'],
    ])
  })
})

describe('without transactions', () => {
  it('all others take effect at least once, and the refused one is a dead letter', async () => {
    const ran = await run(input, { objects: [notes(emits)], refuses: poisonFor('out'), guarantee: 'at-least-once' })
    expect([...new Set(ran.out)]).toEqual(good(input))
    expect([...new Set(valuesOf(ran.letters))]).toEqual(bad(input))
    // What the broker had taken of a refused commit stays: here the changelog, with the effect of the refused ones.
    const state = ran.state['k'] ?? []
    expect(state).toEqual(expect.arrayContaining(good(input)))
    expect(state.length).toBeGreaterThan(input.length)
  })
})

describe('when the dead letter is refused too', () => {
  const toDlq = ({ topic: name, value }: Appended): boolean => name === 'app-dlq' && value !== null

  it('a record has one that says where it is, and what it was refused for', async () => {
    const refuses = (record: Appended): boolean => poisonFor('out')(record) || toDlq(record)
    const ran = await run(input, { objects: [notes(emits)], refuses })
    expect(ran.out).toEqual(good(input))
    expect(ran.letters.map((letter) => [letter.key, letter.value])).toEqual(
      [0, 17, 18, 119].map((offset) => [`lines[0]@${offset}`, null]),
    )
    expect(ran.letters[1]?.headers).toMatchObject({
      'millrace.error.code': 'RECORDS_REFUSED',
      'millrace.source.topic': 'lines',
      'millrace.source.offset': '17',
    })
    expect(ran.warnings.filter((warning) => warning.includes('whose dead letter is refused as well'))).toHaveLength(4)
  })

  it('a turn has one as well, and its object is not in quarantine for what cannot be replayed', async () => {
    const refuses = (record: Appended): boolean => poisonFor('out')(record) || toDlq(record)
    const ran = await run(input, { objects: [notes(emits, { route: 'shuffle' })], refuses })
    expect(ran.out).toEqual(good(input))
    expect(ran.letters.map(({ headers }) => headers['millrace.source.offset'])).toEqual(['0', '17', '18', '119'])
  })

  it('a record that cannot be read has one', async () => {
    const numbers = topic('lines', z.number())
    const kind = stateObject('notes', shape).on(numbers, { key: String }, () => undefined)
    const ran = await run(['a', '1', 'b'], { objects: [kind as never], refuses: toDlq })
    expect(ran.letters.map((letter) => [letter.key, letter.value])).toEqual([
      ['lines[0]@0', null],
      ['lines[0]@2', null],
    ])
    expect(ran.letters[0]?.headers['millrace.error.code']).toBe('RECORDS_REFUSED')
  })

  it('and even that is, the app stops with a sentence that names the topic to look at', async () => {
    const refuses = (record: Appended): boolean => poisonFor('out')(record) || record.topic === 'app-dlq'
    const error: unknown = await run(input, { objects: [notes(emits)], refuses }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'RECORDS_REFUSED', topic: 'app-dlq' })
    expect((error as Error).message).toMatch(/lines\[0\]@0, .*Look at the limits of app-dlq/)
  })
})
