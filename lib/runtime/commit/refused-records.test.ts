import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { listeningLogger, readAll } from '../../../test/reading.js'
import { refusingLog, type Appended } from '../../../test/refusing-log.js'
import { systemClock } from '../../core/clock.js'
import { text } from '../../codec/codec.js'
import { replayDeadLetters } from '../../app/replay.js'
import { memoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { hopping, tumbling } from '../../model/window.js'
import { drained } from '../drain.js'
import { CommittedState } from '../state-reader.js'
import {
  type World,
  apart,
  bad,
  copies,
  emits,
  good,
  input,
  key,
  lines,
  loose,
  many,
  notes,
  other,
  out,
  poisonAt,
  poisonFor,
  rows,
  run,
  shape,
  strict,
  valuesOf,
} from '../../../test/refused-world.js'

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
  ] as const)('fails as its turn does, and all others are exact: %s', async (_what, world) => {
    const ran = await run(apart, world)
    expect(ran.state).toEqual(Object.fromEntries(good(apart).map((line) => [key(line), [line]])))
    // Objects are independent: asynchronous turns may end in another order than their records have.
    expect([...ran.out].sort()).toEqual(good(apart).sort())
    expect(valuesOf(ran.letters).sort()).toEqual(bad(apart).sort())
    const seventeen = ran.letters.find(({ value }) => value === 'k17 17 poison')
    expect(seventeen?.headers).toMatchObject({
      'millrace.error.code': 'RECORDS_REFUSED',
      'millrace.source.topic': 'lines',
      'millrace.source.offset': '17',
      'millrace.kind': 'notes',
      'millrace.key': 'k17',
      'millrace.letter': '1',
    })
    expect(seventeen?.headers['millrace.error.message']).toMatch(/lines\[0\]@17: .*the broker refuses/)
  })

  it('leaves its object in quarantine, until its letter is replayed', async () => {
    const log = memoryLog({ partitions: 1 })
    const three = ['a 1', 'b poison', 'b 3', 'a 4']
    const ran = await run(three, { log, objects: [notes(emits)], refuses: poisonFor('out') })
    expect(ran.state).toEqual({ a: ['a 1', 'a 4'] })
    expect(ran.letters.map(({ value, headers }) => [value, headers['millrace.error.code']])).toEqual([
      ['b poison', 'RECORDS_REFUSED'],
      ['b 3', 'QUARANTINED'],
    ])
    expect(await replayDeadLetters({ id: 'app', log })).toMatchObject({ replayed: 2, left: [] })
    const repaired = { log, objects: [notes(emits)], refuses: () => false }
    await run([], repaired)
    const again = await run(['b 5'], repaired)
    expect(again.state).toEqual({ a: ['a 1', 'a 4'], b: ['b poison', 'b 3', 'b 5'] })
    expect(again.letters).toHaveLength(2)
  })

  it.each<[string, Partial<World>]>([
    ['it hopped', { objects: [notes(emits, { route: 'shuffle' })], refuses: poisonFor('app-notes-inbox') }],
    ['a flow writes it as well', { objects: [notes(emits)], flows: [lines.to(copies)] }],
    ['two kinds read it', { objects: [notes(emits), other] }],
    [
      'it becomes two values',
      {
        objects: [
          notes(
            emits,
            {},
            lines.flatMap((line) => [line, line]),
          ),
        ],
      },
    ],
  ])('is refused as a whole where its turn is not all: %s', async (_what, world) => {
    const ran = await run(input, { refuses: poisonFor('out'), ...world })
    expect([...new Set(ran.state['k'])]).toEqual(good(input))
    expect([...new Set(ran.out)]).toEqual(good(input))
    expect(valuesOf(ran.letters)).toEqual(bad(input))
    expect(ran.letters[1]?.headers).toMatchObject({ 'millrace.error.code': 'RECORDS_REFUSED' })
    expect(ran.letters[1]?.headers).not.toHaveProperty(['millrace.kind'])
  })

  it('takes the way of its topic when a flow has written it', async () => {
    const ran = await run(input, {
      flows: [lines.map((line) => line.toUpperCase()).to(out)],
      refuses: ({ value, topic: name }) => name === 'out' && value?.includes('POISON') === true,
    })
    expect(ran.out).toEqual(good(input).map((line) => line.toUpperCase()))
    expect(valuesOf(ran.letters)).toEqual(bad(input))
  })

  it('is skipped where its topic says so of what a flow writes, and its input of a turn', async () => {
    const flow = await run(input, { flows: [loose.to(out)], refuses: poisonFor('out') })
    expect(flow.out).toEqual(good(input))
    expect(flow.letters).toEqual([])
    expect(flow.stats.refused).toBe(4)
    const skipping = notes(emits, { onError: { then: 'skip' } })
    const turn = await run(input, { objects: [skipping], refuses: poisonFor('out') })
    expect(turn.state).toEqual({ k: good(input) })
    expect(turn.letters).toEqual([])
    expect(turn.stats.skipped).toBe(4)
  })

  it.each<[string, Partial<World>]>([
    ['its topic', { flows: [strict.to(out)] }],
    ['its input', { objects: [notes(emits, { onError: { then: 'stop' } })] }],
  ])('stops the app where %s says so, with all before it committed, and again at the next start', async (_w, stops) => {
    const log = memoryLog({ partitions: 1 })
    const lines120 = poisonAt(120, 17)
    const world = { ...stops, refuses: poisonFor('out'), log }
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
  it.each(['auto', 'shuffle'] as const)('fails in all of them, and others are in theirs: route %s', async (route) => {
    const kind = stateObject('notes', { ...shape, window: hopping('100h', { every: '1h' }) }).on(
      lines,
      { key, route },
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
    const ran = await run(apart, { objects: [notes(emits)], refuses: poisonFor('out'), guarantee: 'at-least-once' })
    expect(new Set(ran.out)).toEqual(new Set(good(apart)))
    expect([...new Set(valuesOf(ran.letters))]).toEqual(bad(apart))
    // What the broker had taken of a refused commit stays: here the changelog, with the effect of the refused ones.
    const state = Object.values(ran.state).flat()
    expect(state).toEqual(expect.arrayContaining(good(apart)))
    expect(state.length).toBeGreaterThan(input.length)
  })
})
