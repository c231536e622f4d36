import { createServer, type AddressInfo } from 'node:net'
import { errorFields, stackWithCauses, type ErrorFields } from './error-fields.js'
import { MillraceError, reasonOf } from './errors.js'

const refuses = (): never => {
  throw new Error('must not be looked at')
}

/** A port of this machine that nobody listens at. */
async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const failedFetch = async (): Promise<unknown> =>
  fetch(`http://127.0.0.1:${await deadPort()}/`).catch((error: unknown) => error)

describe('an error as it is logged', () => {
  it('has its class, message, stack and facts', () => {
    class PaymentError extends Error {
      readonly code = 'DECLINED'
      readonly status = 402
      readonly retries = 3n
      readonly again = false
      readonly request = { body: 'secret' }
    }
    const { stack, ...fields } = errorFields(new PaymentError('no money'))
    expect(fields).toEqual({
      type: 'PaymentError',
      message: 'no money',
      code: 'DECLINED',
      status: 402,
      retries: '3',
      again: false,
    })
    expect(stack).toMatch(/^Error: no money\n\s+at .*error-fields\.test/)
  })

  it('has the chain of its causes: of a fetch that failed, what the network said', async () => {
    const error = new MillraceError('HANDLER_FAILED', 'the turn failed', { key: 'a', cause: await failedFetch() })
    expect(errorFields(error)).toMatchObject({
      type: 'MillraceError',
      code: 'HANDLER_FAILED',
      key: 'a',
      cause: {
        type: 'TypeError',
        message: 'fetch failed',
        cause: { code: 'ECONNREFUSED', message: expect.stringContaining('ECONNREFUSED') },
      },
    })
    const [first, ...causes] = stackWithCauses(error, 8_192)!.split('\ncaused by: ')
    expect(first).toMatch(/^MillraceError: the turn failed\n\s+at /)
    expect(causes).toEqual([
      expect.stringMatching(/^TypeError: fetch failed\n\s+at /),
      expect.stringMatching(/^Error: connect ECONNREFUSED/),
    ])
  })

  it('has the errors that it stands for', () => {
    const fields = errorFields(new AggregateError([new TypeError('one'), new RangeError('two')], 'both'))
    expect(fields.aggregateErrors).toMatchObject([
      { type: 'TypeError', message: 'one' },
      { type: 'RangeError', message: 'two' },
    ])
  })

  it('ends where it holds itself', () => {
    const error: Error & { errors?: unknown[] } = new Error('outer')
    const cause = new Error('inner', { cause: error })
    error.cause = cause
    error.errors = [error, cause]
    expect(JSON.parse(JSON.stringify(errorFields(error)))).toMatchObject({
      message: 'outer',
      aggregateErrors: [{ message: 'inner' }],
    })
  })

  it('is of bounded size, and keeps its frames', () => {
    const huge = (depth: number): Error =>
      Object.assign(new AggregateError(depth > 4 ? [] : Array.from({ length: 20 }, () => huge(depth + 1))), {
        message: 'm'.repeat(100_000),
        document: 'd'.repeat(1_000_000),
        ...Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`fact${n}`, 'f'.repeat(10_000)])),
        ['n'.repeat(10_000)]: 1,
      })
    const error = Object.defineProperty(huge(3), 'cause', { value: huge(4) })
    expect(JSON.stringify(errorFields(error)).length).toBeLessThan(250_000)
    const { stack } = errorFields(new Error('m'.repeat(100_000)))
    expect(stack).toContain('error-fields.test')
    expect(stack.length).toBeLessThan(10_000)
  })

  it.each([200, 1_000, 8_192])('has a stack of at most %i characters, with something of each cause', (most) => {
    const wordy = (cause?: unknown): Error => new Error('m'.repeat(50_000), { cause })
    const stack = stackWithCauses(wordy(wordy(wordy(new TypeError('the root')))), most)!
    expect(stack.length).toBeLessThanOrEqual(most)
    expect(stack.split('\ncaused by: ')).toHaveLength(4)
    expect(stack).toContain('TypeError: the root')
    expect(stackWithCauses(new TypeError('short'), most)).toMatch(/^TypeError: short\n/)
  })

  it.each<[string, () => unknown, Partial<ErrorFields>]>([
    ['text', () => 'only text', { type: 'string', message: 'only text' }],
    ['nothing', () => undefined, { type: 'undefined' }],
    ['a function', () => refuses, { type: 'function' }],
    ['a symbol', () => Symbol('none'), { type: 'symbol', message: 'Symbol(none)' }],
    ['an object', () => ({ status: 500, toString: () => 'response' }), { type: 'Object', status: 500 }],
    ['an object without a prototype', () => Object.assign(Object.create(null), { code: 'E' }), { code: 'E' }],
    ['an error of another class by name', () => Object.assign(new Error('x'), { name: 'Mine' }), { name: 'Mine' }],
    [
      'a getter that throws',
      () => Object.defineProperty(new Error('x'), 'code', { get: refuses, enumerable: true }),
      { message: 'x' },
    ],
    ['a stack that throws', () => Object.defineProperty(new Error('x'), 'stack', { get: refuses }), { stack: '' }],
    ['a message that throws', () => Object.defineProperty(new Error(''), 'message', { get: refuses }), {}],
    ['a cause that throws', () => Object.defineProperty(new Error('x'), 'cause', { get: refuses }), { message: 'x' }],
    ['errors that throw', () => Object.defineProperty(new Error('x'), 'errors', { get: refuses }), { message: 'x' }],
    ['a prototype as a fact', () => JSON.parse('{"__proto__": {"code": "E"}, "constructor": 1}'), { type: 'Object' }],
    ['a list of strangers', () => Object.assign(new Error('x'), { errors: [1, null, 'x'] }), { message: 'x' }],
    [
      'a list that throws',
      () =>
        Object.assign(new Error('x'), {
          errors: new Proxy([], { get: refuses }),
          list: new Proxy([], { get: refuses }),
        }),
      { message: 'x' },
    ],
    ['a proxy that was revoked', () => revoked(), { type: 'Object' }],
    [
      'a proxy all of whose traps throw',
      () => new Proxy(new Error(''), { get: refuses, has: refuses, getPrototypeOf: refuses, ownKeys: refuses }),
      { type: 'Object' },
    ],
    ['one of those as a cause', () => new Error('x', { cause: revoked() }), { cause: { type: 'Object' } } as never],
  ])('is plain data, whatever was thrown: %s', (_what, make, expected) => {
    const fields = errorFields(make())
    expect(JSON.parse(JSON.stringify(fields))).toMatchObject({
      ...expected,
      type: expect.any(String),
      message: expect.any(String),
      stack: expect.any(String),
    })
    expect(() => stackWithCauses(make(), 8_192)).not.toThrow()
  })
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

describe('the text of an error', () => {
  it('has what its causes say beyond it', async () => {
    expect(reasonOf(await failedFetch())).toMatch(/^fetch failed: connect ECONNREFUSED 127\.0\.0\.1:\d+$/)
    const cause = new Error('disk full')
    expect(reasonOf(new Error('cannot save (disk full)', { cause }))).toBe('cannot save (disk full)')
    expect(reasonOf(new Error('cannot save', { cause: 'no space' }))).toBe('cannot save: no space')
    expect(reasonOf(new Error('broken: alert 42', { cause: new Error('alert 42\n') }))).toBe('broken: alert 42')
  })

  it('is its own where a cause does not bear to be looked at', () => {
    expect(reasonOf(new Error('a', { cause: revoked() }))).toBe('a')
    expect(reasonOf(new Error('a', { cause: new Error('b', { cause: revoked() }) }))).toBe('a: b')
    expect(reasonOf(Object.defineProperty(new Error('a'), 'cause', { get: refuses }))).toBe('a')
    expect(reasonOf(Object.defineProperty(new Error('a'), 'errors', { get: refuses }))).toBe('a')
  })

  it.each<[string, unknown, string]>([
    ['an object', { x: 1 }, '{"x":1}'],
    ['one without a prototype', Object.assign(Object.create(null) as object, { x: 1 }), '{"x":1}'],
    ['a list', [{ x: 1 }, 2], '[{"x":1},2]'],
    ['an object that holds itself', ((own: { own?: unknown }) => Object.assign(own, { own }))({}), '[object Object]'],
    ['an object of a big integer', { x: 1n }, '[object Object]'],
    ['an object that has no JSON', { toJSON: () => undefined }, '[object Object]'],
    ['an object with a text of its own', { toString: () => 'own' }, 'own'],
    ['a Date', new Date(NaN), 'Invalid Date'],
    ['a symbol', Symbol('x'), 'Symbol(x)'],
  ])('is JSON where %s was thrown', (_what, thrown, wanted) => {
    expect(reasonOf(thrown)).toBe(wanted)
    expect(reasonOf(new Error('a', { cause: thrown }))).toBe(`a: ${wanted}`)
  })

  it('is cut where what was thrown is long', () => {
    const reason = reasonOf({ text: 'x'.repeat(100_000) })
    expect(reason).toMatch(/^\{"text":"x+… \(cut: 100011 characters\)$/)
    expect(reason.length).toBeLessThan(5_000)
  })

  it('is never nothing', () => {
    expect(reasonOf(new AggregateError([new Error('a'), new Error('b')]))).toBe('a, b')
    expect(reasonOf(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED')
    expect(reasonOf(new TypeError())).toBe('TypeError')
  })

  it('ends where it holds itself', () => {
    const error = new Error('a')
    error.cause = new Error('b', { cause: error })
    expect(reasonOf(error)).toBe('a: b')
  })
})
