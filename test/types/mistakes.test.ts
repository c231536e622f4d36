import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { consumer, diagnose, type Compiler } from './consumer.js'

const preamble = `
import { z } from 'zod'
import { createApp, session, stateObject, topic, tumbling } from 'millrace'
const trades = topic('trades', z.object({ symbol: z.string(), price: z.number() }))
const alerts = topic('alerts', z.object({ symbol: z.string(), pct: z.number() }))
const stock = stateObject('stock', { state: z.object({ last: z.number() }), init: () => ({ last: 0 }) })
  .timers({ close: z.object({ day: z.string() }) })
  .onTimer('close', () => undefined)
  .query('above', (state, limit: number) => state.last > limit)
const app = createApp({ id: 'x', objects: [stock] })
`

/** A mistake, and what the compiler's words must name so that whoever made it understands. */
const mistakes: readonly (readonly [what: string, code: string, named: RegExp])[] = [
  [
    'a field that the state does not have',
    `stock.on(trades, (t) => t.symbol, (s) => { s.lst = 1 })`,
    /'lst' does not exist on type '\{ last: number; \}'/,
  ],
  [
    'a value of the wrong type in the state',
    `stock.on(trades, (t) => t.symbol, (s) => { s.last = 'x' })`,
    /'string' is not assignable to type 'number'/,
  ],
  [
    'an emit that is not of its topic',
    `stock.on(trades, (t) => t.symbol, (s, t, turn) => { turn.emit(alerts, { symbol: t.symbol, pct: 'much' }) })`,
    /'string' is not assignable to type 'number'/,
  ],
  [
    'an emit with a field missing',
    `stock.on(trades, (t) => t.symbol, (s, t, turn) => { turn.emit(alerts, { symbol: t.symbol }) })`,
    /'pct' is missing|\{ symbol: string; pct: number; \}/,
  ],
  [
    'a timer that was not declared',
    `stock.on(trades, (t) => t.symbol, (s, t, turn) => { turn.timer('open', '1s', { day: 'x' }) })`,
    /'"open"' is not assignable to parameter of type '"close"'/,
  ],
  [
    'a payload that is not the timer’s',
    `stock.on(trades, (t) => t.symbol, (s, t, turn) => { turn.timer('close', '1s', { day: 7 }) })`,
    /'number' is not assignable to type 'string'/,
  ],
  [
    'an id of a timer that is a number',
    `stock.on(trades, (t) => t.symbol, (s, t, turn) => { turn.timer('close', '1s', { day: 'x' }, { id: 7 }) })`,
    /'number' is not assignable to type 'string'/,
  ],
  [
    'a duration that is none',
    `stock.on(trades, (t) => t.symbol, (s, t, turn) => { turn.timer('close', '1 hour', { day: 'x' }) })`,
    /'"1 hour"' is not assignable to parameter of type '(Date \| )?Duration/,
  ],
  [
    'a handler for a timer that was not declared',
    `stock.onTimer('open', () => undefined)`,
    /'"open"' is not assignable to parameter of type '"close"'/,
  ],
  [
    'a query that there is not',
    `app.state(stock).ask('AAPL', 'below', 1)`,
    /'"below"' is not assignable to parameter of type '"above"'/,
  ],
  [
    'an argument that is not the query’s',
    `app.state(stock).ask('AAPL', 'above', 'ten')`,
    /'string' is not assignable to parameter of type 'number'/,
  ],
  [
    'changing what was read',
    `async () => { const s = await app.state(stock).get('AAPL'); if (s) s.last = 1 }`,
    /'last' because it is a read-only property/,
  ],
  [
    'an init that is not the schema’s',
    `stateObject('a', { state: z.object({ n: z.number() }), init: () => ({ n: 'x' }) })`,
    /'string' is not assignable to type 'number'/,
  ],
  [
    'a published row that is not of its topic',
    `stock.publish(alerts, (s, key) => ({ symbol: key }))`,
    /'pct' is missing|\{ symbol: string; pct: number; \}/,
  ],
  [
    'a key that is no text',
    `stock.on(trades, (t) => t.price, () => undefined)`,
    /'number' is not assignable to type 'string'/,
  ],
  [
    'a handler that gives a value',
    `stock.on(trades, (t) => t.symbol, (s) => s.last)`,
    /'number' is not assignable to type 'MaybePromise<void>'/,
  ],
  [
    'a merge of other states',
    `stateObject('a', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }), window: session('1m', { merge: (a: { m: number }) => a }) })`,
    /'(n|m)'/,
  ],
  [
    'a narrowed filter used as what it is not',
    `trades.filter((t): t is { symbol: 'A'; price: number } => t.symbol === 'A').map((t) => t.symbol satisfies 'B')`,
    /'"A"' does not satisfy the expected type '"B"'/,
  ],
  [
    'an init that is not of the enum',
    `stateObject('a', { state: z.object({ tier: z.enum(['basic', 'gold']) }), init: () => ({ tier: 'silver' }) })`,
    /'"silver"' is not assignable to type '"basic" \| "gold"'/,
  ],
  [
    'a published row of no branch',
    `stock.publish(topic('doors', z.discriminatedUnion('kind', [z.object({ kind: z.literal('open'), since: z.number() }), z.object({ kind: z.literal('closed') })])), () => ({ kind: 'open' }))`,
    /Property 'since' is missing/,
  ],
  [
    'a flow to a topic that does not allow what comes',
    `trades.to(topic('few', z.object({ symbol: z.literal('A'), price: z.number() })))`,
    /'string' is not assignable to type '"A"'/,
  ],
  [
    'the window of a kind that has none',
    `stock.on(trades, (t) => t.symbol, (s, t, turn) => { s.last = turn.window.start })`,
    /'turn\.window' is possibly 'undefined'/,
  ],
  [
    'a state that closes with another field',
    `stateObject('a', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }), window: tumbling('1m') }).onClose((s) => { s.m = 1 })`,
    /'m' does not exist on type '\{ n: number; \}'/,
  ],
  [
    'an option that there is not',
    `stateObject('a', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }), tll: '1d' })`,
    /'tll' does not exist in type/,
  ],
  [
    'a tombstone where a value is wanted',
    `stock.on(trades.withTombstones(), (t) => t.symbol, () => undefined)`,
    /'t' is possibly 'null'/,
  ],
]

const nameOf = (index: number): string => `mistake-${index}.ts`
const strict = {
  module: 'Node16',
  skipLibCheck: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
}

/** What a compiler says of each mistake, by file name. */
function found(compiler: Compiler, folder: string): ReadonlyMap<string, string> {
  const said = new Map<string, string>()
  let file = ''
  for (const line of diagnose(
    compiler,
    folder,
    mistakes.map((_mistake, i) => nameOf(i)),
    strict,
  ).split('\n')) {
    file = /(mistake-\d+\.ts)\(/.exec(line)?.[1] ?? file
    said.set(file, `${said.get(file) ?? ''}${line}\n`)
  }
  return said
}

describe.each(['least', 'newest'] as const)('the %s TypeScript', (compiler) => {
  let said: ReadonlyMap<string, string>

  beforeAll(() => {
    const folder = consumer(`mistakes-${compiler}`)
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    mistakes.forEach(([, code], i) => writeFileSync(join(folder, nameOf(i)), `${preamble}\n${code}\n`))
    said = found(compiler, folder)
  }, 300_000)

  it.each(mistakes.map(([what, , named], i) => [what, named, nameOf(i)] as const))('names %s', (_what, named, file) => {
    expect(said.get(file)).toMatch(named)
  })
})
