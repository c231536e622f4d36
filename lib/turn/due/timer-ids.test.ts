import fc from 'fast-check'
import { z } from 'zod'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const command = z.object({
  what: z.enum(['set', 'cancel', 'delete', 'fail']),
  name: z.string(),
  id: z.string().optional(),
  payload: z.string(),
  afterMs: z.number(),
})
type Command = z.infer<typeof command>
const commands = topic('commands', command.array())
const fired = topic('fired', z.string())
const odd = ['due', 'due2', '1:a', '__proto__', 'a:1', 'constructor', '']
let fails = false

const customer = stateObject('customer', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) })
  .timers(Object.fromEntries(odd.map((name) => [name, z.string()])))
  .on(
    commands,
    () => 'ann',
    (state, all, turn) => {
      state.n++
      for (const { what, name, id, payload, afterMs } of all) {
        const options = id === undefined ? {} : { id }
        if (what === 'set') turn.timer(name, afterMs, payload, options)
        else if (what === 'cancel') turn.cancel(name, options)
        else if (what === 'delete') turn.delete()
      }
    },
  )
const program = odd.reduce(
  (kind, name) =>
    kind.onTimer(name, (state, payload, turn) => {
      state.n++
      turn.emit(fired, payload)
      if (fails) throw new Error('not now')
    }),
  customer,
)

const set = (name: string, id: string | undefined, payload: string, afterMs: number): Command => ({
  what: 'set',
  name,
  id,
  payload,
  afterMs,
})
const texts = (driver: TestDriver): unknown[] => driver.output(fired).map(({ value }) => value)
const cancel = (name: string, id?: string): Command => ({ what: 'cancel', name, id, payload: '', afterMs: 0 })

describe('several timers of one name', () => {
  it('are set, moved and taken back by name and id', async () => {
    await using driver = testDriver({ objects: [program] })
    const long = 'long'.repeat(1_000)
    await driver.send(commands, [
      set('due', undefined, 'none', 5_000),
      set('due', 'a', 'a', 1_000),
      set('due', 'b', long, 2_000),
      set('due', 'c', 'c', 3_000),
      set('due', 'd', 'd', 4_000),
    ])
    await driver.send(commands, [cancel('due', 'c'), set('due', 'd', 'd moved', 6_000), cancel('due', 'unknown')])
    driver.loseDisk()
    await driver.crash()
    await driver.advance('10s')
    expect(texts(driver)).toEqual(['a', long, 'none', 'd moved'])
    await driver.send(commands, [set('due', 'a', 'again', 1_000), cancel('due')])
    await driver.advance('10s')
    expect(texts(driver).slice(4)).toEqual(['again'])
  })

  it('go with their object', async () => {
    await using driver = testDriver({ objects: [program] })
    await driver.send(commands, [set('due', 'a', 'a', 1_000), set('due', 'b', 'x'.repeat(1_000), 1_000)])
    await driver.send(commands, [{ ...cancel('due'), what: 'delete' }])
    await driver.advance('1h')
    expect(texts(driver)).toEqual([])
  })

  it('are tried again, become dead letters and are replayed each by itself', async () => {
    fails = true
    await using driver = testDriver({ objects: [program], failures: 'expect' })
    await driver.send(commands, [
      set('due', 'a', 'a', 1_000),
      set('due', 'b', 'b', 1_000),
      set('due', undefined, '-', 1_000),
    ])
    await driver.advance('1s')
    fails = false
    await driver.crash()
    await driver.advance('1h')
    expect(texts(driver).sort()).toEqual(['-', 'a', 'b'])
    fails = true
    await driver.send(commands, [set('due', 'c', 'c', 1_000), set('due', 'd', 'd', 1_000)])
    for (let hour = 0; hour < 100; hour++) await driver.advance('1h')
    expect(driver.deadLetters()).toHaveLength(2)
    fails = false
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 2 })
    expect(texts(driver).slice(3)).toEqual(['c', 'd'])
  })

  it('never meet another, whatever stands in names and ids', async () => {
    const part = fc.constantFrom(...odd, ':', '/', '0', '7', '\0', '|', '.', '"', 'é', '😀', ' ')
    const id = fc.option(
      fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('') || 'x'),
      { nil: undefined },
    )
    const timer = fc.record({ name: fc.constantFrom(...odd), id, isLong: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(
        fc.array(timer, { maxLength: 20 }),
        fc.array(fc.nat(19), { maxLength: 5 }),
        async (all, taken) => {
          fails = false
          const distinct = new Map(all.map((each) => [JSON.stringify([each.name, each.id ?? null]), each]))
          const payload = (key: string, isLong: boolean): string => (isLong ? key.padEnd(400) : key)
          const sets = [...distinct].map(([key, { name, id, isLong }], i) =>
            set(name, id, payload(key, isLong), 1_000 + i),
          )
          const gone = new Set(taken.flatMap((i) => (sets[i] === undefined ? [] : [sets[i]])))
          await using driver = testDriver({ objects: [program], partitions: 1 })
          await driver.send(commands, sets)
          await driver.send(
            commands,
            [...gone].map(({ name, id }) => cancel(name, id)),
          )
          driver.loseDisk()
          await driver.crash()
          await driver.advance('1m')
          expect(texts(driver)).toEqual(sets.filter((each) => !gone.has(each)).map((each) => each.payload))
        },
      ),
      { numRuns: 40 },
    )
  })

  it.each<[string, unknown, string]>([
    ['an empty id', { id: '' }, 'VALUE_INVALID'],
    ['undefined', { id: undefined }, 'VALUE_INVALID'],
    ['a number', { id: 7 }, 'VALUE_INVALID'],
    ['null', { id: null }, 'VALUE_INVALID'],
    ['half a surrogate', { id: 'a\ud800' }, 'VALUE_INVALID'],
    ['more than 256 characters', { id: 'x'.repeat(257) }, 'VALUE_INVALID'],
    ['a promise', { id: Promise.reject(new Error('no')) }, 'VALUE_INVALID'],
    ['another option', { ID: 'a' }, 'HANDLER_FAILED'],
    ['an id in the place of options', 'a', 'HANDLER_FAILED'],
    ['null for options', null, 'HANDLER_FAILED'],
    ['a list for options', [], 'HANDLER_FAILED'],
    ['a Date for options', new Date(), 'HANDLER_FAILED'],
    ['a Map for options', new Map([['id', 'a']]), 'HANDLER_FAILED'],
  ])('refuse what is no id: %s', async (_what, options, code) => {
    for (const call of ['timer', 'cancel'] as const) {
      const kind = stateObject('customer', { state: z.object({}), init: () => ({}) })
        .timers({ due: z.null() })
        .on(commands, { key: () => 'ann', onError: { attempts: 1 } }, (_state, _all, turn) => {
          if (call === 'timer') turn.timer('due', '1s', null, options as never)
          else turn.cancel('due', options as never)
        })
        .onTimer('due', () => undefined)
      await using driver = testDriver({ objects: [kind], failures: 'expect' })
      await driver.send(commands, [])
      const [letter] = driver.deadLetters()
      expect(letter).toMatchObject({ code })
      expect(letter?.message).toContain(`turn.${call}('due')`)
    }
  })

  it.each([
    ['a symbol', Symbol('due')],
    ['nothing', undefined],
    ['a number', 7],
    ['an object', {}],
  ])('say what is no name: %s', async (what, name) => {
    for (const call of ['timer', 'cancel'] as const) {
      const kind = stateObject('customer', { state: z.object({}), init: () => ({}) })
        .timers({ due: z.null() })
        .on(commands, { key: () => 'ann', onError: { attempts: 1 } }, (_state, _all, turn) =>
          call === 'timer' ? turn.timer(name as 'due', '1s', null) : turn.cancel(name as 'due'),
        )
        .onTimer('due', () => undefined)
      await using driver = testDriver({ objects: [kind], failures: 'expect' })
      await driver.send(commands, [])
      const [letter] = driver.deadLetters()
      expect(letter).toMatchObject({ code: 'VALUE_INVALID' })
      expect(letter?.message).toContain(`turn.${call}: the name is ${what === 'nothing' ? 'undefined' : what}`)
    }
  })

  it('are at most 1,000 of one object', async () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => `id ${i}`)
    await using driver = testDriver({ objects: [program], failures: 'expect', partitions: 1 })
    await driver.send(
      commands,
      ids.map((id) => set('due', id, id, 3_600_000)),
    )
    await driver.send(commands, [
      cancel('due', 'id 1'),
      set('due', 'one more', 'x', 1_000),
      set('due', 'id 2', 'x', 1_000),
    ])
    expect(driver.stats().failed).toBe(0)
    await driver.send(commands, [set('due', 'too many', 'x', 1_000)])
    expect(driver.stats().failed).toBe(1)
  })
})
