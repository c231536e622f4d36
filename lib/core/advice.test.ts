import vm from 'node:vm'
import { adviceOf, Fatal, RetryAfter } from './advice.js'

const after = (retryAfterMs: number): object => ({ fatal: false, retryAfterMs })

/** Another copy of the class, as a second installation of the package has one. */
class OtherFatal extends Error {
  constructor() {
    super('of another copy')
    Object.defineProperty(this, Symbol.for('millrace.fatal'), { value: true })
  }
}

describe('what an error says about trying again', () => {
  it.each<[string, unknown, object | undefined]>([
    ['Fatal', new Fatal('no'), { fatal: true }],
    ['Fatal without a message', new Fatal(), { fatal: true }],
    ['Fatal of another copy of the library', new OtherFatal(), { fatal: true }],
    ['a subclass of Fatal', new (class extends Fatal {})('no'), { fatal: true }],
    ['an error because of Fatal', new Error('risk', { cause: new Fatal('no') }), { fatal: true }],
    ['an error that is only called so', Object.assign(new Error('no'), { name: 'Fatal' }), undefined],
    ['RetryAfter', new RetryAfter('30s'), after(30_000)],
    ['RetryAfter at once', new RetryAfter(0), after(0)],
    ['RetryAfter because of Fatal', new RetryAfter('1s', 'busy', { cause: new Fatal('no') }), after(1_000)],
    ['Fatal because of RetryAfter', new Fatal('no', { cause: new RetryAfter('1s') }), { fatal: true }],
    ['a number of milliseconds', Object.assign(new Error('busy'), { retryAfter: 1_500 }), after(1_500)],
    ['parts of a millisecond', Object.assign(new Error('busy'), { retryAfter: 0.2 }), after(1)],
    ['text of a duration', { retryAfter: '2m' }, after(120_000)],
    ['one of another realm', vm.runInNewContext('Object.assign(new Error(), { retryAfter: 7 })'), after(7)],
    ['a header as it came', { retryAfter: '120' }, undefined],
    ['a date', { retryAfter: new Date() }, undefined],
    ['a negative one', { retryAfter: -1 }, undefined],
    ['NaN', { retryAfter: NaN }, undefined],
    ['Infinity', { retryAfter: Infinity }, undefined],
    ['a bigint', { retryAfter: 5n }, undefined],
    ['an object', { retryAfter: { valueOf: () => 5 } }, undefined],
    ['garbage above a cause that says it', { retryAfter: 'soon', cause: { retryAfter: 5 } }, after(5)],
    ['text', 'retryAfter', undefined],
    ['null', null, undefined],
    ['undefined', undefined, undefined],
    ['an ordinary error', new Error('x'), undefined],
  ])('%s', (_what, error, expected) => {
    expect(adviceOf(error)).toEqual(expected)
  })

  it('is nothing where looking at it throws, and where causes go round', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const thrower = Object.defineProperty(new Error('x'), 'retryAfter', {
      get: () => {
        throw new Error('not to be asked')
      },
    })
    const round: { cause?: unknown } = {}
    round.cause = round
    for (const error of [proxy, thrower, round, new Error('x', { cause: proxy })])
      expect(adviceOf(error)).toBeUndefined()
  })
})

describe('RetryAfter', () => {
  it.each<[unknown]>([
    [-1],
    [NaN],
    ['soon'],
    ['120'],
    [undefined],
    [null],
    [1.5],
    [Symbol('1s')],
    [{ toString: null }],
  ])('refuses %p', (delay) => {
    expect(() => new RetryAfter(delay as never)).toThrow(/new RetryAfter: .* is not a duration/)
  })

  it('says in its message when, unless it is given one', () => {
    expect(new RetryAfter('5s').message).toBe('try again in 5000 ms')
    expect(new RetryAfter('5s', 'busy')).toMatchObject({ message: 'busy', retryAfter: 5_000, name: 'RetryAfter' })
  })
})
