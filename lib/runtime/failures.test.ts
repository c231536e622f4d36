import { z } from 'zod'
import { readAll } from '../../test/reading.js'
import type { App } from '../app/app.js'
import { createApp } from '../app/create-app.js'
import { text } from '../codec/codec.js'
import type { MillraceError } from '../core/errors.js'
import { silentLogger } from '../core/logger.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import type { InputOptions } from '../model/inputs.js'
import { stateObject, type AnyStateObject, type Handler } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type { Turn } from '../model/turn.js'

const lines = topic('lines', text(), { onInvalid: 'stop' })
const onError = { attempts: 1, then: 'stop' } as const
const out = topic('out', text())
const rows = topic('rows', z.number())
type State = { n: number; seen: string[] }

function object(
  handler: Handler<State, string>,
  input: InputOptions<string> = { key: () => 'k' },
  row: (state: unknown) => number = () => 1,
): AnyStateObject {
  return stateObject('kind', {
    state: z.object({ n: z.number(), seen: z.array(z.string()) }),
    init: () => ({ n: 0, seen: [] }),
  })
    .on(lines, { ...input, onError }, handler)
    .publish(rows, row)
}

const good = object((state, line, turn) => {
  state.n++
  state.seen.push(line)
  turn.emit(out, line)
})

async function started(log: MemoryLog, objects: AnyStateObject[], createTopics = true): Promise<App> {
  await log.send(lines, [])
  const app = createApp({ id: 'app', log, objects, createTopics, logger: silentLogger })
  await app.start()
  return app
}

/** Sends a good line, then a bad one; resolves to what stopped the app, once another one has gone on from there. */
async function failsAndIsRepaired(bad: AnyStateObject): Promise<MillraceError> {
  const log = memoryLog({ partitions: 1 })
  const app = await started(log, [bad])
  await log.send(lines, ['good', 'bad', 'later'])
  const error: unknown = await app.drained().catch((reason: unknown) => reason)
  await expect(app.closed()).rejects.toBe(error)
  expect(app.health()).toMatchObject({ live: false, ready: false })

  await using repaired = await started(log, [good])
  await repaired.drained()
  expect((await readAll(log, out)).map(({ value }) => value)).toEqual(['good', 'bad', 'later'])
  expect(await repaired.state(good as never).get('k')).toEqual({ n: 3, seen: ['good', 'bad', 'later'] })
  return error as MillraceError
}

/** Changes state and emits, and then does what it should not. */
function breaking(wrong: () => unknown): AnyStateObject {
  return object((state, line, turn) => {
    state.n++
    state.seen.push(line)
    turn.emit(out, line)
    return line === 'bad' ? (wrong() as undefined) : undefined
  })
}

describe('a handler', () => {
  const at = { code: 'HANDLER_FAILED', topic: 'lines', partition: 0, offset: 1, kind: 'kind', key: 'k' }

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken pipe')
      },
      /broken pipe/,
    ],
    ['returns a value', () => 5, /returned a number \(5\)/],
    ['rejects', () => Promise.reject(new Error('late')), /late/],
  ])(
    'that %s stops the app with the place of the record, and nothing of its turn is kept',
    async (_what, wrong, message) => {
      const error = await failsAndIsRepaired(breaking(wrong))
      expect(error).toMatchObject(at)
      expect(error.message).toMatch(/lines\[0\]@1/)
      expect(error.message).toMatch(message)
    },
  )

  it('cannot emit what the codec of the target refuses', async () => {
    const numbers = topic('numbers', z.number())
    const error = await failsAndIsRepaired(
      object((_state, line, turn) => (line === 'bad' ? turn.emit(numbers, 1n as never) : turn.emit(out, line))),
    )
    expect(error).toMatchObject({ ...at, code: 'VALUE_INVALID' })
  }, 5_000)

  it('cannot use its turn after it has ended', async () => {
    const kept: Turn[] = []
    const log = memoryLog({ partitions: 1 })
    await using app = await started(log, [object((_state, _line, turn) => void kept.push(turn))])
    await log.send(lines, ['a'])
    await app.drained()
    const [turn] = kept as [Turn]
    for (const use of [() => turn.emit(out, 'late'), () => turn.delete(), () => turn.record, () => turn.now]) {
      expect(use).toThrow(expect.objectContaining({ code: 'TURN_ENDED', key: 'k' }))
    }
    expect(turn.key).toBe('k')
  })
})

describe('what stops the app, with the place of the record:', () => {
  const place = { topic: 'lines', partition: 0, offset: 1 }
  const emits: Handler<State, string> = (state, line, turn) => {
    state.n++
    state.seen.push(line)
    turn.emit(out, line)
  }

  it('a key that is no string', async () => {
    const error = await failsAndIsRepaired(object(emits, { key: (line) => (line === 'bad' ? (7 as never) : 'k') }))
    expect(error).toMatchObject({ code: 'EXTRACTOR_FAILED', ...place })
    expect(error.message).toMatch(/lines\[0\]@1: .*gave a number \(7\)/)
  })

  it('an extractor that throws', async () => {
    const key = (line: string): string => {
      if (line === 'bad') throw new Error('no key')
      return 'k'
    }
    expect(await failsAndIsRepaired(object(emits, { key }))).toMatchObject({
      code: 'STEP_FAILED',
      ...place,
      message: expect.stringContaining('no key'),
    })
  })

  it('a stream step that throws', async () => {
    const step = (line: string): string => {
      if (line === 'bad') throw new Error('no step')
      return line
    }
    const kind = stateObject('kind', {
      state: z.object({ n: z.number(), seen: z.array(z.string()) }),
      init: () => ({ n: 0, seen: [] as string[] }),
    })
    expect(await failsAndIsRepaired(kind.on(lines.map(step), { key: () => 'k', onError }, emits))).toMatchObject({
      code: 'STEP_FAILED',
      ...place,
    })
  })

  it("a key of another partition where the input is 'aligned'", async () => {
    const log = memoryLog({ partitions: 4 })
    await using app = await started(log, [object(() => undefined, { key: (line) => line, route: 'aligned' })])
    await log.send(lines, ['a', 'b', 'c', 'd'], { key: (line) => line })
    await app.drained()
    await log.send(lines, ['e'], { key: () => 'a' })
    await expect(app.drained()).rejects.toMatchObject({
      code: 'ROUTE_MISMATCH',
      topic: 'lines',
      key: 'e',
      message: expect.stringMatching(/aligned.*route: 'auto'/),
    })
  })

  it('a row that cannot be made', async () => {
    let sound = true
    const log = memoryLog({ partitions: 1 })
    const app = await started(log, [
      object(emits, { key: () => 'k' }, () => {
        if (sound) return 1
        throw new Error('no row')
      }),
    ])
    await log.send(lines, ['good'])
    await app.drained()
    sound = false
    await log.send(lines, ['bad'])
    await expect(app.drained()).rejects.toMatchObject({
      code: 'PUBLISH_FAILED',
      key: 'k',
      message: expect.stringContaining('no row'),
    })
    await using repaired = await started(log, [good])
    await repaired.drained()
    expect((await readAll(log, out)).map(({ value }) => value)).toEqual(['good', 'bad'])
  })

  it('a row that cannot be made when a rebalance asks for the commit, and not an error of the group', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(lines, [])
    const app = createApp({
      id: 'app',
      log,
      objects: [
        object(emits, { key: (line) => line }, () => {
          throw new Error('no row')
        }),
      ],
      createTopics: true,
      // Without transactions a member commits before it joins the round.
      guarantee: 'at-least-once',
      commitInterval: '2s',
      logger: silentLogger,
    })
    await app.start()
    await log.send(
      lines,
      Array.from({ length: 3_000 }, (_, i) => String(i)),
    )
    while (app.stats().turns === 0) await new Promise(setImmediate)
    const other = createApp({ id: 'app', log: log.open(), objects: [good], logger: silentLogger })
    const joined = other.start()
    await expect(app.closed()).rejects.toMatchObject({ code: 'PUBLISH_FAILED' })
    await joined
    await other.drained()
    await other.close()
  })
})
