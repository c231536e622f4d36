import { stateObject, text, topic, type AnyStateObject, type Logger, type Turn } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'
import { untilGivenUp } from '../given-up.js'
import { reasonOf, thrownBy } from '../../lib/core/errors.js'
import { unfailing } from '../../lib/core/logger.js'

const lines = topic('lines', text())
const letters = topic('test-dlq', text())
const schema = z.object({ n: z.number() })
const init = (): { n: number } => ({ n: 0 })
const input = { key: (line: string) => line, onError: { attempts: 2, backoff: '1ms' } } as const

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const refuses = (): never => {
  throw new Error('must not be looked at')
}

/** What can be thrown, and does not bear to be looked at. */
const things: readonly (readonly [string, () => unknown])[] = [
  ['a proxy that was revoked', revoked],
  [
    'a proxy all of whose traps throw',
    () => new Proxy(new Error(''), { get: refuses, has: refuses, getPrototypeOf: refuses, ownKeys: refuses }),
  ],
  ['an error whose message throws', () => Object.defineProperty(new Error(''), 'message', { get: refuses })],
  ['an error whose message is a symbol', () => Object.assign(new Error(''), { message: Symbol('no text') })],
  ['an object without a prototype', () => Object.create(null) as object],
  ['an object whose text throws', () => ({ toString: refuses })],
  ['a thenable that throws', () => ({ then: refuses })],
  ['an error that holds itself', () => ((error) => Object.assign(error, { error }))(new Error('cycle'))],
  ['a frozen error', () => Object.freeze(new Error('frozen'))],
  ['a symbol', () => Symbol('no error')],
  ['nothing', () => undefined],
]

const fail = (line: string, make: () => unknown): void => {
  if (line === 'bad') throw make()
}

const places: readonly (readonly [string, (make: () => unknown) => AnyStateObject])[] = [
  [
    'a handler',
    (make) =>
      stateObject('o', { state: schema, init }).on(lines, input, (state, line) => {
        state.n++
        fail(line, make)
      }),
  ],
  [
    'an asynchronous handler',
    (make) =>
      stateObject('o', { state: schema, init }).on(lines, input, async (state, line) => {
        state.n++
        await Promise.resolve()
        fail(line, make)
      }),
  ],
  [
    'a step',
    (make) =>
      stateObject('o', { state: schema, init }).on(
        lines.map((line) => (fail(line, make), line)),
        input,
        (state) => void state.n++,
      ),
  ],
  [
    'init',
    (make) =>
      stateObject('o', { state: schema, init: (key) => (fail(key, make), { n: 0 }) }).on(
        lines,
        input,
        (state) => void state.n++,
      ),
  ],
  [
    'the encoder of an emitted value',
    (make) => {
      const out = topic('out', { ...text(), encode: (line: string) => (fail(line, make), line) })
      return stateObject('o', { state: schema, init }).on(lines, input, (state, line, turn) => {
        state.n++
        turn.emit(out, line)
      })
    },
  ],
  [
    'a timer',
    (make) =>
      stateObject('o', { state: schema, init })
        .timers({ t: z.string() })
        .on(lines, input, (state, line, turn) => {
          state.n++
          turn.timer('t', 1, line)
        })
        .onTimer('t', (_state, line) => fail(line, make)),
  ],
]

describe.each(things)('%s, thrown', (_name, make) => {
  it.each(places)('by %s, is an error of that turn', async (_place, program) => {
    const kind = program(make)
    await using driver = testDriver({ failures: 'expect', objects: [kind] })
    for (const line of ['bad', 'good']) await driver.send(lines, line, { key: 'k' })
    await untilGivenUp(driver)
    await driver.crash()
    // A timer's has its payload, as JSON.
    expect(driver.output(letters).map(({ value }) => value?.replaceAll('"', ''))).toEqual(['bad'])
    expect(driver.state(kind, 'good')).toEqual({ n: 1 })
  })

  it('has a reason, and can be looked at in its stand-in', () => {
    const thing = make()
    expect(typeof reasonOf(thing)).toBe('string')
    expect(() => thrownBy(thing) instanceof Error).not.toThrow()
  })
})

describe('a logger that fails', () => {
  const logger = {
    debug: refuses,
    info: refuses,
    warn: () => {
      throw undefined
    },
    error: () => Promise.reject(new Error('written nowhere')),
  } as unknown as Logger

  it('stops nothing, neither where the app writes nor where turns do', async () => {
    const kind = stateObject('o', { state: schema, init }).on(lines, input, (state, line, turn) => {
      state.n++
      turn.log.warn({ line }, 'seen')
      turn.log.error({ line })
      if (line === 'bad') throw new Error('no')
    })
    await using driver = testDriver({ failures: 'expect', objects: [kind], logger })
    for (const line of ['bad', 'good']) await driver.send(lines, line)
    await driver.advance('1s')
    expect(driver.output(letters).map(({ value }) => value)).toEqual(['bad'])
    expect(driver.state(kind, 'good')).toEqual({ n: 1 })
  })

  it('is made calm once: what it gives and throws is dropped', () => {
    const calm = unfailing(logger)
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      expect(() => calm[level]({ a: 1 }, 'text')).not.toThrow()
  })
})

describe('what one turn has left', () => {
  const leave = (line: string, state: object, part: () => unknown): void => {
    if (line === 'bad') Object.defineProperty(state, 'x', { enumerable: true, configurable: true, get: () => part() })
  }
  it.each([
    ['a getter that throws', (line: string, state: object) => leave(line, state, refuses)],
    ['a proxy that was revoked', (line: string, state: object) => leave(line, state, revoked)],
  ])('%s is no error of the next object that is made', async (_name, act) => {
    const kind = stateObject('o', { state: z.looseObject({ n: z.number() }), init }).on(lines, input, (state, line) => {
      state.n++
      act(line, state)
    })
    await using driver = testDriver({ failures: 'expect', objects: [kind] })
    for (const line of ['bad', 'good']) await driver.send(lines, line)
    await driver.advance('1s')
    expect(driver.output(letters).map(({ value }) => value)).toEqual(['bad'])
    expect(driver.state(kind, 'good')).toEqual({ n: 1 })
  })
})

it('a promise as what a timer carries is refused by name, and what it is rejected with ends nothing', async () => {
  const kind = stateObject('o', { state: schema, init })
    .timers({ t: z.any() })
    .on(lines, input, (state, _line, turn: Turn<{ t: unknown }>) => {
      state.n++
      turn.timer('t', 1, Promise.reject(new Error('nobody waits for it')))
    })
    .onTimer('t', () => undefined)
  await using driver = testDriver({ failures: 'expect', objects: [kind] })
  await driver.send(lines, 'bad')
  await driver.advance('1s')
  const [letter] = driver.output(letters)
  expect(String(Buffer.from(letter?.headers.get('millrace.error.message') ?? []))).toContain("turn.timer('t')")
})

it.each([undefined, null, 5, 'text'])('a schema that answers %p refuses', async (answer) => {
  const odd = { '~standard': { version: 1 as const, vendor: 'none', validate: () => answer } }
  const kind = stateObject('o', { state: schema, init }).on(
    topic('lines', odd),
    () => 'k',
    (state) => void state.n++,
  )
  await using driver = testDriver({ failures: 'expect', objects: [kind] })
  await driver.send(lines, '1')
  expect(driver.output(letters)).toHaveLength(1)
  expect(driver.state(kind, 'k')).toBeUndefined()
})
