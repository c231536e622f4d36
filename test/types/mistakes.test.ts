import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const preamble = `
import { z } from 'zod'
import { createApp, session, stateObject, topic } from '../../lib/index.js'
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
    'a tombstone where a value is wanted',
    `stock.on(trades.withTombstones(), (t) => t.symbol, () => undefined)`,
    /'t' is possibly 'null'/,
  ],
]

const folder = join(process.cwd(), 'temp', 'mistakes')
const nameOf = (index: number): string => `mistake-${index}.ts`

/** What the compiler says of each, by file name. */
function diagnose(): ReadonlyMap<string, string> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  mistakes.forEach(([, code], i) => writeFileSync(join(folder, nameOf(i)), `${preamble}\n${code}\n`))
  const compilerOptions = { noEmit: true, noUnusedLocals: false, noUnusedParameters: false }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['.'] }),
  )
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' })
  const found = new Map<string, string>()
  let file = ''
  for (const line of stdout.split('\n')) {
    file = /(mistake-\d+\.ts)\(/.exec(line)?.[1] ?? file
    found.set(file, `${found.get(file) ?? ''}${line}\n`)
  }
  return found
}

describe('the compiler', () => {
  let found: ReadonlyMap<string, string>

  beforeAll(() => {
    found = diagnose()
  }, 120_000)

  it.each(mistakes.map(([what, , named], i) => [what, named, nameOf(i)] as const))('names %s', (_what, named, file) => {
    expect(found.get(file)).toMatch(named)
  })
})
