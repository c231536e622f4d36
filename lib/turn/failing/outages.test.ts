import { z } from 'zod'
import { Fatal, RetryAfter } from '../../core/advice.js'
import type { OnError } from '../../model/inputs.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'
import type { CrashStep } from '../../testing/life.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))
const done = topic('done', z.object({ id: z.string(), n: z.number() }))
const dlq = topic('test-dlq', z.object({ id: z.string(), n: z.number() }))

/** A service that the handler asks; it throws while `down` says so, and notes how many seconds after the start it was asked. */
class Service {
  down: ((n: number) => unknown) | undefined
  seconds = 0
  readonly asked: number[] = []

  ask(n: number): void {
    this.asked.push(this.seconds)
    const error = this.down?.(n)
    if (error !== undefined) throw error
  }
}

interface Shape {
  readonly onError?: OnError
  readonly isAsync?: boolean
  readonly route?: 'auto' | 'shuffle'
  readonly isWindowed?: boolean
}

function program(service: Service, { onError, isAsync = false, route = 'auto', isWindowed = false }: Shape = {}) {
  const basis = { state: z.object({ seen: z.array(z.number()) }), init: () => ({ seen: [] as number[] }) }
  const kind = isWindowed
    ? stateObject('order', { ...basis, window: tumbling('1d') })
    : (stateObject('order', basis) as never as ReturnType<typeof stateObject<'order', typeof basis.state>>)
  const input = { key: ({ id }: { id: string }) => id, route, ...(onError === undefined ? {} : { onError }) }
  return kind.on(orders, input, (state, { id, n }, turn) => {
    const act = (): void => {
      service.ask(n)
      state.seen.push(n)
      turn.emit(done, { id, n })
    }
    return isAsync ? Promise.resolve().then(act) : act()
  })
}

const numbers = (driver: TestDriver): number[] => driver.output(done).map(({ value }) => value!.n)
const letters = (driver: TestDriver): number[] => driver.output(dlq).map(({ value }) => value!.n)

/** Lets time pass, in steps. */
async function pass(driver: TestDriver, service: Service, seconds: number, step = 5): Promise<void> {
  for (let left = seconds; left > 0; left -= step) {
    service.seconds += step
    await driver.advance(step * 1_000)
  }
}

const shapes: readonly (readonly [string, Shape])[] = [
  ['a handler', {}],
  ['an asynchronous handler', { isAsync: true }],
  ['a handler after a hop', { route: 'shuffle' }],
  ['a windowed handler', { isWindowed: true }],
]

describe('what a handler asks for being down', () => {
  it.each(shapes)('for ten minutes loses nothing and quarantines nobody, with %s', async (_what, shape) => {
    const service = new Service()
    await using driver = testDriver({ failures: 'expect', objects: [program(service, shape)], partitions: 1 })
    service.down = () => new Error('ECONNREFUSED')
    for (const n of [1, 2, 3]) await driver.send(orders, { id: 'a', n })
    await pass(driver, service, 600)
    expect(numbers(driver)).toEqual([])
    service.down = undefined
    await pass(driver, service, 30)
    expect(numbers(driver)).toEqual([1, 2, 3])
    expect(letters(driver)).toEqual([])
  })

  it('for longer than fifteen minutes makes dead letters', async () => {
    const service = new Service()
    await using driver = testDriver({ failures: 'expect', objects: [program(service)], partitions: 1 })
    service.down = () => new Error('ECONNREFUSED')
    for (const n of [1, 2]) await driver.send(orders, { id: 'a', n })
    await pass(driver, service, 890)
    expect(letters(driver)).toEqual([])
    await pass(driver, service, 300)
    expect(letters(driver)).toEqual([1, 2])
    const last = service.asked.at(-1)!
    // Attempts come up to a step of five seconds later than they are due.
    expect(last).toBeGreaterThanOrEqual(900)
    expect(last).toBeLessThanOrEqual(900 + 5 * service.asked.length)
  })

  it('makes it be asked at the same times whatever dies in between', async () => {
    const asked = async (steps: readonly CrashStep[]): Promise<readonly number[]> => {
      const service = new Service()
      await using driver = testDriver({ failures: 'expect', objects: [program(service)], partitions: 1 })
      service.down = () => new Error('ECONNREFUSED')
      await driver.send(orders, { id: 'a', n: 1 })
      for (const step of steps) {
        await driver.crash(step)
        await pass(driver, service, 30)
      }
      await pass(driver, service, 300 - service.seconds)
      // One that was asked and whose commit was not made is asked again.
      return [...new Set(service.asked)]
    }
    const calm = await asked([])
    expect(calm.length).toBeGreaterThan(10)
    expect(await asked(['turn', 'before-end', 'after-end', 'before-store'])).toEqual(calm)
  })

  it.each<[string, OnError, number]>([
    ['for', { backoff: '1s', for: '10s' }, 6],
    ['attempts', { backoff: '1s', attempts: 3 }, 3],
    ['attempts before for', { backoff: '1s', attempts: 2, for: '10s' }, 2],
    ['for before attempts', { backoff: { from: '1s', to: '1s' }, attempts: 100, for: '2s' }, 5],
    ['no time', { for: 0 }, 1],
  ])('is borne as long as is said: %s', async (_what, onError, most) => {
    const service = new Service()
    await using driver = testDriver({ failures: 'expect', objects: [program(service, { onError })], partitions: 1 })
    service.down = () => new Error('ECONNREFUSED')
    await driver.send(orders, { id: 'a', n: 1 })
    await pass(driver, service, 60, 1)
    expect(letters(driver)).toEqual([1])
    expect(service.asked.length).toBeLessThanOrEqual(most)
    expect(service.asked.length).toBeGreaterThan(most / 2 - 1)
  })
})

describe('Fatal', () => {
  it.each(shapes)('thrown by %s is a dead letter at once', async (_what, shape) => {
    const service = new Service()
    await using driver = testDriver({ failures: 'expect', objects: [program(service, shape)], partitions: 1 })
    service.down = (n) => (n === 2 ? new Error('risk', { cause: new Fatal('declined') }) : undefined)
    for (const n of [1, 2, 3]) await driver.send(orders, { id: 'a', n })
    await driver.send(orders, { id: 'b', n: 4 })
    expect(numbers(driver)).toEqual([1, 4])
    expect(letters(driver)).toEqual([2, 3])
    expect(service.asked.length).toBeLessThanOrEqual(4)
  })

  it('ends what was tried again', async () => {
    const service = new Service()
    await using driver = testDriver({ failures: 'expect', objects: [program(service)], partitions: 1 })
    service.down = () => new Error('ECONNREFUSED')
    await driver.send(orders, { id: 'a', n: 1 })
    service.down = () => new Fatal('declined')
    await pass(driver, service, 1, 1)
    expect(letters(driver)).toEqual([1])
  })

  it('is skipped where then says so', async () => {
    const service = new Service()
    await using driver = testDriver({
      failures: 'expect',
      objects: [program(service, { onError: { then: 'skip' } })],
      partitions: 1,
    })
    service.down = (n) => (n === 1 ? new Fatal('declined') : undefined)
    for (const n of [1, 2]) await driver.send(orders, { id: 'a', n })
    expect(letters(driver)).toEqual([])
    expect(numbers(driver)).toEqual([2])
  })

  it('stops the app where then says so', async () => {
    const service = new Service()
    await using driver = testDriver({
      failures: 'expect',
      objects: [program(service, { onError: { then: 'stop' } })],
      partitions: 1,
    })
    service.down = () => new Fatal('declined')
    await expect(driver.send(orders, { id: 'a', n: 1 })).rejects.toThrow(/declined/)
    expect(letters(driver)).toEqual([])
  })
})

describe('an error that says when to try again', () => {
  it.each<[string, () => unknown]>([
    ['RetryAfter', () => new RetryAfter('2m')],
    ['a number', () => Object.assign(new Error('busy'), { retryAfter: 120_000 })],
    ['a cause that says it', () => new Error('busy', { cause: { retryAfter: '2m' } })],
  ])('is heard: %s', async (_what, error) => {
    const service = new Service()
    await using driver = testDriver({ failures: 'expect', objects: [program(service)], partitions: 1 })
    service.down = error
    await driver.send(orders, { id: 'a', n: 1 })
    service.down = undefined
    await pass(driver, service, 119, 119)
    expect(numbers(driver)).toEqual([])
    await pass(driver, service, 14, 14)
    expect(numbers(driver)).toEqual([1])
    expect(service.asked).toEqual([0, 133])
  })

  it.each([['soon'], [-1], [Infinity], [{}], [null]])('and says %p is tried again as any other', async (retryAfter) => {
    const service = new Service()
    await using driver = testDriver({ failures: 'expect', objects: [program(service)], partitions: 1 })
    service.down = () => Object.assign(new Error('busy'), { retryAfter })
    await driver.send(orders, { id: 'a', n: 1 })
    service.down = undefined
    await driver.advance(100)
    expect(numbers(driver)).toEqual([1])
  })
})
