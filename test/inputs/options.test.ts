import fc from 'fast-check'
import {
  avro,
  createApp,
  hopping,
  kafkaLog,
  long,
  lookup,
  memoryLog,
  MillraceError,
  parseDuration,
  replayDeadLetters,
  session,
  stateObject,
  text,
  topic,
  tumbling,
} from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'

const words = topic('words', text())
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) })
const counts = counter.on(
  words,
  (word) => word,
  (state) => {
    state.n++
  },
)
const key = (): string => 'k'
const merge = (earlier: unknown): unknown => earlier
const basis = { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }

type Taker<R> = readonly [where: string, taker: (options: never) => R, needed?: object]

/** Whatever takes options, by what its messages call it, with those it cannot do without. */
const takers: readonly Taker<unknown>[] = [
  ['createApp', createApp, { id: 'x', objects: [counts], log: memoryLog() }],
  ['kafkaLog', kafkaLog, { brokers: ['a:1'] }],
  ['memoryLog', memoryLog],
  ['testDriver', testDriver, { objects: [counts] }],
  ["topic 'words'", (options) => topic('words', text(), options)],
  ["state object 'other'", (options) => stateObject('other', options), basis],
  ["state object 'counter', on words#0", (options) => counter.on(words, options, () => undefined), { key }],
  [
    "state object 'counter', on words#0: onError",
    (onError) => counter.on(words, { key, onError }, () => undefined),
    { attempts: 2 },
  ],
  [
    "state object 'counter', on words#0: onError.backoff",
    (backoff) => counter.on(words, { key, onError: { backoff } }, () => undefined),
    { from: '1s' },
  ],
  [
    "state object 'counter', on words#0: breaker",
    (breaker) => counter.on(words, { key, breaker }, () => undefined),
    { after: 2 },
  ],
  ["state object 'counter', timers", (options) => counter.timers({ due: z.null() }, options)],
  ['to', (options) => words.to(topic('others', text()), options)],
  ['tumbling', (options) => tumbling('1m', options)],
  ['hopping', (options) => hopping('1m', options), { every: '1m' }],
  ['session', (options) => session('1m', options), { merge }],
  ['long', long],
  ['avro', (options) => avro(z.string(), options)],
  ['avro: header', (header) => avro(z.string(), { header }), { kind: 'schema-id', id: 1 }],
  [
    'entries',
    (options) =>
      createApp({ id: 'x', objects: [counts], log: memoryLog() })
        .state(counts)
        .entries(options),
  ],
  ['close', (options) => createApp({ id: 'x', objects: [counts], log: memoryLog() }).close(options)],
]

/** The same, where the refusal is a rejection. */
const waiting: readonly Taker<Promise<unknown>>[] = [
  ['replayDeadLetters', replayDeadLetters, { id: 'x', log: memoryLog() }],
  ['send to words', (options) => memoryLog().send(words, ['x'], options)],
]

const named = <R>([where, taker, needed = {}]: Taker<R>) => ({ where, taker, needed })

const refusal = (where: string, named: string): Error =>
  expect.objectContaining({
    code: 'OPTIONS_INVALID',
    message: expect.stringMatching(new RegExp(`^${where.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}: .*${named}`)),
  })

describe('an option that there is not', () => {
  it.each(takers.map(named))('is named by $where', ({ where, taker, needed }) => {
    const options = { ...needed, gracee: '5s' }
    expect(() => taker(options as never)).toThrow(refusal(where, "there is no option 'gracee'; there are [a-z]"))
  })

  it.each(waiting.map(named))('is named by $where', async ({ where, taker, needed }) => {
    const options = { ...needed, gracee: '5s' }
    await expect(taker(options as never)).rejects.toEqual(refusal(where, "there is no option 'gracee'"))
  })

  it('is found when its name is one of Object.prototype', () => {
    const options = JSON.parse('{"__proto__":{"grace":"5s"},"toString":1}') as object
    expect(() => tumbling('1m', options)).toThrow("there is no option '__proto__', 'toString'; there are grace, late")
  })

  it.each<[string, () => unknown]>([
    ['lookup', () => (lookup as (...all: unknown[]) => unknown)(words, { grace: 1 })],
    ['publish', () => (counter.publish as (...all: unknown[]) => unknown)(words, () => 'x', { key })],
    ['query', () => (counter.query as (...all: unknown[]) => unknown)('q', () => 1, {})],
  ])('is refused by %s, which takes none', (_what, call) => {
    expect(call).toThrow(/an object too many; it takes no options/)
  })
})

describe('what takes options', () => {
  it.each(takers.map(named).filter(({ where }) => !where.includes('words#0')))(
    '$where refuses what is none',
    ({ taker, needed }) => {
      for (const none of [null, 7, 'grace', ['grace'], true, new Map(), new Date()])
        expect(() => taker(none as never)).toThrow(MillraceError)
      expect(() => taker({ ...needed, gracee: undefined } as never)).toThrow(/there is no option 'gracee'/)
    },
  )

  it('takes undefined for one that is left out', () => {
    expect(tumbling('1m', { grace: undefined } as never).definition.graceMs).toBe(0)
    expect(() => hopping('1m', { every: undefined } as never)).toThrow(/every is missing/)
  })

  it('says each that is missing, wrong or unknown', () => {
    const app = { objects: 'x', commitInterval: '5 minutes', createTopics: 1, comitInterval: 7 }
    expect(() => createApp(app as never)).toThrow(
      /^createApp: there is no option 'comitInterval'; there are id, .*id is missing; give text.*objects is text \("x"\); give a list of state objects, .*commitInterval is text \("5 minutes"\); give a duration: .*createTopics is a number \(1\); give true or false\.$/,
    )
  })

  it.each<[string, () => unknown, RegExp]>([
    ['no schema', () => stateObject('x', { ...basis, state: {} } as never), /state is an object; give a schema/],
    ['no init', () => stateObject('x', { state: z.string() } as never), /init is missing; give a function/],
    [
      'a version of 1.5',
      () => stateObject('x', { ...basis, version: 1.5 }),
      /version is a number \(1.5\); give a whole/,
    ],
    [
      'a ttl of text',
      () => stateObject('x', { ...basis, ttl: '1 day' as never }),
      /ttl is text \("1 day"\); give a dura/,
    ],
    ['a ttl that is NaN', () => stateObject('x', { ...basis, ttl: NaN }), /ttl is a number \(NaN\)/],
    [
      'half a codec',
      () => stateObject('x', { ...basis, codec: { decode: key } as never }),
      /codec is an object; give a/,
    ],
    [
      'a size as window',
      () => stateObject('x', { ...basis, window: '1m' as never }),
      /window is text .* give a window: t/,
    ],
    [
      'checked: "no"',
      () => stateObject('x', { ...basis, checked: 'no' as never }),
      /checked is text .* give true or fa/,
    ],
    ['onInvalid: "drop"', () => topic('t', text(), { onInvalid: 'drop' as never }), /give 'dead-letter', 'skip' or 's/],
    [
      'no partitions',
      () => topic('t', text(), { partitions: 0 }),
      /partitions is a number \(0\); give a whole number fr/,
    ],
    [
      'a timestamp',
      () => topic('t', text(), { timestamp: 5 as never }),
      /timestamp is a number \(5\); give a function t/,
    ],
    ['no format', () => topic('t', undefined as never), /its format is undefined; give a schema/],
    ['a number as name', () => topic(42 as never, text()), /a number \(42\) is not a topic name/],
    [
      'late: true',
      () => tumbling('1m', { late: true as never }),
      /late is a boolean \(true\); give 'dead-letter', 'sk/,
    ],
    ['a grace of half a ms', () => tumbling('1m', { grace: 0.5 }), /grace is a number \(0.5\); give a duration: whole/],
    ['a size that is none', () => tumbling('soon' as never), /tumbling: size: 'soon' is not a duration/],
    ['no every', () => hopping('1m', {} as never), /every is missing; give a duration/],
    ['no merge', () => session('1m', {} as never), /merge is missing; give a function/],
    ['no key', () => counter.on(words, {} as never, () => undefined), /on words#0: key is missing; give a function/],
    ['a route', () => counter.on(words, { key, route: 'fast' as never }, () => undefined), /give 'auto', 'aligned' or/],
    [
      'attempts of 0',
      () => counter.on(words, { key, onError: { attempts: 0 } }, () => undefined),
      /attempts is a numb/,
    ],
    ['a handler that is none', () => counter.on(words, key, 5 as never), /the handler is a number \(5\); give a funct/],
    ['no stream', () => counter.on(undefined as never, key, () => undefined), /undefined is no stream; give a topic/],
    [
      'a timer without schema',
      () => counter.timers({ due: 'x' as never }),
      /timer 'due' is text \("x"\); give a schema/,
    ],
    [
      'what timers do in a backlog',
      () => counter.timers({ due: z.null() }, { backlog: 'never' as never }),
      /'wait' or 'fire'/,
    ],
    [
      'a backlog of timers by event time',
      () => counter.timers({ due: z.null() }, { time: 'event', backlog: 'wait' }),
      /leave backlog out/,
    ],
    ['a time of timers', () => counter.timers({ due: z.null() }, { time: 'wall' as never }), /'processing' or 'event'/],
    [
      'a row that is none',
      () => counter.publish(words, 'x' as never),
      /publish: the row is text \("x"\); give a functi/,
    ],
    ['a step that is none', () => words.map(undefined as never), /map: undefined in the place of a function/],
    ['a stream to merge', () => words.merge(null as never), /merge: null is no stream/],
    [
      'a topic as object',
      () => createApp({ id: 'x', objects: [words as never], log: memoryLog() }),
      /objects: give it/,
    ],
    ['null as flow', () => createApp({ id: 'x', flows: [null as never], log: memoryLog() }), /flows: give it flows/],
    ['dots alone as id, which names a folder', () => createApp({ id: '..', log: memoryLog() }), /not dots alone/],
    ['a session of 30 days', () => createApp({ id: 'x', sessionTimeout: '30d' }), /sessionTimeout is text .* 24 days/],
    [
      'half a logger',
      () => createApp({ id: 'x', logger: { info: key } as never }),
      /logger is an object; give a logge/,
    ],
    ['an array of bytes', () => memoryLog({ partitions: 1e9 }), /partitions is a number \(1000000000\); give a whole/],
  ])('%s is refused, and it is said what to give', (_what, call, message) => {
    expect(call).toThrow(MillraceError)
    expect(call).toThrow(message)
  })

  it('passwords are not shown', () => {
    const sasl = { mechanism: '', username: 'me', password: 'secret' }
    expect(() => kafkaLog({ brokers: ['a:1'], sasl: sasl as never })).toThrow(/sasl is an object; give (?!.*secret)/)
  })

  it('never fails otherwise, whatever it is given', () => {
    const garbage = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true })
    const sync = takers.filter(([where]) => where !== 'close' && where !== 'kafkaLog')
    fc.assert(
      fc.property(fc.constantFrom(...sync), garbage, fc.string(), (taker, value, name) => {
        const [, call, needed = {}] = taker
        const names = [name, ...Object.keys(needed), 'grace', 'ttl', 'codec', 'window', 'key', 'timestamp', 'late']
        const refusals = [value, ...names.map((each) => ({ ...needed, [each]: value }))].map((options) => {
          try {
            call(options as never)
            return undefined
          } catch (error) {
            return error
          }
        })
        expect(refusals.filter((error) => error !== undefined && !MillraceError.is(error))).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  it('an emit with one is an error of its turn', async () => {
    const others = topic('others', text())
    const emitting = counter.on(words, { key, onError: { attempts: 1 } }, (_state, word, turn) => {
      turn.emit(others, word, { key: word, timestmap: 5 } as never)
    })
    await using driver = testDriver({ failures: 'expect', objects: [emitting] })
    await driver.send(words, 'x')
    expect(driver.output(others)).toEqual([])
    expect(driver.stats().deadLetters).toBe(1)
  })
})

describe('parseDuration', () => {
  it('reads what configuration says', () => {
    const options: Parameters<typeof tumbling> = [parseDuration('5m'), { grace: parseDuration('1.5s', 'GRACE') }]
    expect(tumbling(...options).definition).toMatchObject({ sizeMs: 300_000, graceMs: 1_500 })
  })

  it.each(['', '5', '5 s', 'PT5S', '-1s', '1e3s', '5S', '٥s', '99999999999d', undefined, null, 5, 5n])(
    'refuses %p, and says where it is from',
    (text) => {
      expect(() => parseDuration(text as string, 'GRACE')).toThrow(
        refusal('GRACE', 'is not a duration. Give a duration'),
      )
    },
  )
})

describe('breaker', () => {
  it.each<[string, unknown, RegExp]>([
    ['no object', 5, /breaker is a number \(5\); give an object with after and probe/],
    ['none', {}, /after is missing; give a whole number from 1 to/],
    ['after none', { after: 0 }, /after is a number \(0\); give a whole number from 1/],
    ['after half', { after: 1.5 }, /after is a number \(1.5\)/],
    ['after text', { after: '3' }, /after is text \("3"\)/],
    ['after all', { after: Infinity }, /after is a number \(Infinity\)/],
    ['probes without a pause', { after: 3, probe: 0 }, /probe is a number \(0\); give a duration: .* of 1 ms at least/],
    ['a misspelt option', { after: 3, probes: '1s' }, /there is no option 'probes'; there are after, probe/],
  ])('refuses %s', (_what, breaker, message) => {
    expect(() => counter.on(words, { key, breaker: breaker as never }, () => undefined)).toThrow(message)
  })
})

describe('onError', () => {
  it.each<[string, unknown, RegExp]>([
    ['a backoff that is none', { backoff: 'soon' }, /backoff is text .* give a duration: .*, or an object with from/],
    ['a list as backoff', { backoff: ['1s'] }, /backoff is a list of "1s"; give a duration/],
    ['a first wait that is none', { backoff: { from: -1 } }, /backoff: from is a number \(-1\); give a duration/],
    ['a longest wait that is shorter', { backoff: { from: '2s', to: '1s' } }, /to \(1000 ms\) is less than from/],
    ['a misspelt wait', { backoff: { form: '1s' } }, /there is no option 'form'; there are from, to/],
    ['attempts without end', { backoff: 0 }, /with a backoff of 0 attempts have no end; give attempts too/],
    ['a first wait of nothing', { backoff: { from: 0, to: '1s' }, for: '1m' }, /attempts have no end/],
    ['a time to try that is none', { for: Infinity }, /for is a number \(Infinity\); give a duration/],
    [
      'a quarantine of nothing',
      { quarantine: 0 },
      /quarantine is a number \(0\); give a duration: .* of 1 ms at least/,
    ],
    [
      'a quarantine where records are skipped',
      { then: 'skip', quarantine: '1h' },
      /quarantine is .*, and with then: 'skip' there is none/,
    ],
    ['a quarantine where the app stops', { then: 'stop', quarantine: '1h' }, /with then: 'stop' there is none/],
    ['a number of attempts without end', { attempts: Infinity }, /attempts is a number \(Infinity\); give a whole/],
  ])('refuses %s', (_what, onError, message) => {
    expect(() => counter.on(words, { key, onError: onError as never }, () => undefined)).toThrow(message)
  })
})

describe('what is asked of an app and of a driver', () => {
  const none: readonly [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['its name', 'counter'],
    ['an object', {}],
    ['a number', 5],
  ]

  it.each(none)('is of a state object, and not of %s', async (_what, kind) => {
    await using app = createApp({ id: 'x', objects: [counts], log: memoryLog() })
    await using driver = testDriver({ objects: [counts] })
    await driver.send(words, 'a')
    const named = refusal('state', 'is no state object; give the one')
    expect(() => app.state(kind as never)).toThrow(named)
    expect(() => driver.state(kind as never, 'a')).toThrow(named)
    await expect(driver.entries(kind as never)).rejects.toEqual(named)
    const ask = driver.ask.bind(driver) as (...all: unknown[]) => Promise<unknown>
    await expect(ask(kind, 'a', 'q')).rejects.toEqual(named)
  })

  it.each(none)('is of a topic, and not of %s', async (_what, target) => {
    await using driver = testDriver({ objects: [counts] })
    expect(() => driver.send(target as never, 'a')).toThrow(/a topic is needed here/)
    expect(() => driver.sendAll(target as never, ['a'])).toThrow(/a topic is needed here/)
    expect(() => driver.output(target as never)).toThrow(/a topic is needed here/)
    expect(() => driver.emitted(target as never)).toThrow(/a topic is needed here/)
    expect(() => driver.deadLetters((target ?? null) as never)).toThrow(/a topic is needed here/)
    await driver.send(topic('others', text()), 'it goes on')
  })

  it.each([undefined, null, 5, {}])('is of a key that is text: not %p', async (key) => {
    await using driver = testDriver({ objects: [counts] })
    await driver.send(words, 'a')
    const named = refusal("state of 'counter'", 'the key is .*; give the key of an object')
    expect(() => driver.state(counts, key as never)).toThrow(named)
    const log = memoryLog()
    await using app = createApp({ id: 'x', objects: [counts], log, createTopics: true })
    await app.start()
    await expect(app.state(counts).get(key as never)).rejects.toEqual(named)
  })

  it.each([undefined, null, 5, {}])('is told to a listener that is a function: not %p', (listener) => {
    const app = createApp({ id: 'x', objects: [counts], log: memoryLog() })
    expect(() => app.onStateChange(listener as never)).toThrow(/^the listener of .* is .*; give a function/)
    expect(() => app.onRestore(listener as never)).toThrow(/^the listener of .* is .*; give a function/)
  })
})

it.each([undefined, null, 5, 'close', [z.null()]])('timers are declared by name: not by %p', (payloads) => {
  expect(() => counter.timers(payloads as never)).toThrow(/^state object 'counter': timers: .*; give names/)
})

it('a time-out of nothing is none', () => {
  expect(() => counter.on(words, { key, turnTimeout: 0 }, () => undefined)).toThrow(
    /turnTimeout is a number \(0\); .* of 1 ms at/,
  )
  expect(() => testDriver({ objects: [counts], patience: 0 })).toThrow(
    /patience is a number \(0\); .* of 1 ms at least/,
  )
})
