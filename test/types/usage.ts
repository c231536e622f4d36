import { z } from 'zod'
import { createApp, memoryLog, stateObject, text, topic, tumbling, type OnError } from 'millrace'
import { testDriver } from 'millrace/testing'

// 1 · word count: one object per word
const lines = topic('lines', text())
const counts = topic('word-counts', z.object({ word: z.string(), count: z.number() }))

export const word = stateObject('word', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) })
  .on(
    lines.flatMap((line) => line.toLowerCase().match(/[a-z']+/g) ?? []),
    (w) => w,
    (state) => {
      state.count++
    },
  )
  .publish(counts, (state, word) => ({ word, count: state.count }))

// 2 · stocks: last and highest price per symbol
const trades = topic('trades', z.object({ symbol: z.string(), price: z.number(), qty: z.number() }))
const alerts = topic('price-alerts', z.object({ symbol: z.string(), pct: z.number() }))

const outages: OnError = {
  attempts: 5,
  backoff: { from: '100ms', to: '30s' },
  for: '15m',
  quarantine: '1h',
  then: 'dead-letter',
}

export const stock = stateObject('stock', {
  state: z.object({ open: z.number(), last: z.number(), high: z.number(), byVenue: z.record(z.string(), z.number()) }),
  init: () => ({ open: 0, last: 0, high: 0, byVenue: {} }),
  ttl: '30d',
})
  .timers({ close: z.object({ day: z.string() }) })
  .on(trades, { key: (t) => t.symbol, onError: outages, breaker: { after: 10, probe: '5s' } }, (s, t, turn) => {
    if (turn.isNew) {
      s.open = t.price
      turn.timer('close', '24h', { day: '2026-01-01' })
    }
    s.last = t.price
    s.high = Math.max(s.high, t.price)
    const pct = (s.last / s.open - 1) * 100
    if (Math.abs(pct) > 5) turn.emit(alerts, { symbol: turn.key, pct })
  })
  .onTimer('close', (s, { day }, turn) => {
    turn.log.info({ day, last: s.last })
    s.open = s.last
    turn.timer('close', '24h', { day: '2026-01-02' }, { id: day })
    turn.cancel('close', { id: day })
  })
  .query('spread', (s) => s.high - s.last)
  .query('above', (s, limit: number) => s.last > limit)

// 3 · a windowed kind: one object per symbol and minute; candles leave when the minute is over
const candles = topic(
  'candles',
  z.object({ symbol: z.string(), start: z.number(), open: z.number(), close: z.number() }),
)
export const minute = stateObject('minute', {
  state: z.object({ open: z.number(), close: z.number() }),
  init: () => ({ open: 0, close: 0 }),
  window: tumbling('1m', { grace: '10s' }),
})
  .on(
    trades,
    (t) => t.symbol,
    (s, t, turn) => {
      if (turn.isNew) s.open = t.price
      s.close = t.price
    },
  )
  .onClose((s, turn) => turn.emit(candles, { symbol: turn.key, start: turn.window.start, ...s }))

// 4 · a flow without state
const clean = trades.filter((t) => t.qty > 0).to(topic('clean-trades', trades.codec), { key: (t) => t.symbol })
const { big, rest } = trades.branch({ big: (t) => t.qty > 1000 })

export async function run(): Promise<unknown> {
  await using app = createApp({
    id: 'stocks',
    objects: [stock, word],
    flows: [clean],
    kafka: { brokers: ['localhost:9092'] },
  })
  await app.start()
  const aapl = await app.state(stock).get('AAPL')
  const last: number | undefined = aapl?.last
  const spread: number | undefined = await app.state(stock).ask('AAPL', 'spread')
  const up: boolean | undefined = await app.state(stock).ask('AAPL', 'above', 10)
  // @ts-expect-error wrong argument type
  await app.state(stock).ask('AAPL', 'above', '10')
  // @ts-expect-error no such query
  await app.state(stock).ask('AAPL', 'nope')
  // @ts-expect-error what is read cannot be changed
  if (aapl) aapl.last = 1
  for await (const [key, state] of app.state(word).entries({ prefix: 'a' }))
    process.stdout.write(`${key} ${state.count}`)
  return [last, spread, up, big, rest]
}

export async function embedded(): Promise<void> {
  const log = memoryLog({ partitions: 4 })
  await log.send(lines, ['to be or not to be'])
  await using app = createApp({ id: 'word-count', objects: [word], log })
  await app.start()
  await app.drained()
}

export async function test(): Promise<unknown> {
  await using driver = testDriver({ objects: [stock], replay: 'every-record' })
  await driver.send(trades, { symbol: 'AAPL', price: 100, qty: 1 })
  // @ts-expect-error a field is missing
  await driver.send(trades, { symbol: 'AAPL', price: 100 })
  await driver.advance('24h')
  await driver.crash('after-end')
  const high: number | undefined = driver.state(stock, 'AAPL')?.high
  const pct: number | undefined = driver.output(alerts)[0]?.value?.pct
  return [high, pct]
}

stateObject('negatives', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  trades,
  (t) => t.symbol,
  (s, t, turn) => {
    // @ts-expect-error state is typed
    s.m = 1
    // @ts-expect-error emit is typed by its topic
    turn.emit(alerts, { symbol: 1, pct: 1 })
    // @ts-expect-error no timer was declared
    turn.timer('nope', '1s', {})
    s.n += t.qty
  },
)
// @ts-expect-error init must match the schema
stateObject('negatives-2', { state: z.object({ n: z.number() }), init: () => ({ n: 'x' }) })
