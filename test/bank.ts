import { z } from 'zod'
import { createApp } from '../lib/app/create-app.js'
import type { App } from '../lib/app/app.js'
import type { AppOptions } from '../lib/app/options.js'
import { json } from '../lib/codec/json/json.js'
import { silentLogger } from '../lib/core/logger.js'
import type { MemoryLog } from '../lib/memory/memory-log.js'
import { stateObject } from '../lib/model/state-object.js'
import { topic } from '../lib/model/stream.js'
import { session, tumbling } from '../lib/model/window.js'

export interface Deposit {
  /** Decides the partition of the record: most of them hop. */
  readonly lane: string
  readonly account: string
  readonly amount: number
  readonly at?: number | undefined
}

export const deposits = topic(
  'deposits',
  json(z.object({ lane: z.string(), account: z.string(), amount: z.number(), at: z.number().optional() })),
)
const state = z.object({ sum: z.number(), n: z.number() })
type Sum = z.infer<typeof state>

const take = (sum: Sum, { amount }: Deposit, turn: { delete(): void }): void => {
  if (amount === 0) return turn.delete()
  sum.sum += amount
  sum.n++
}

export const account = stateObject('account', { state, init: () => ({ sum: 0, n: 0 }) })
  .on(deposits, ({ account: key }) => key, take)
  .query('above', ({ sum }, least: bigint) => ({
    isAbove: BigInt(sum) > least,
    at: new Date(7),
    parts: new Map([[sum, 1n]]),
  }))
  .query('sumAnd', ({ sum }, more: number) => sum + more)
  .query('spoiling', (sum) => {
    ;(sum as Sum).sum = 1_000
    return (sum as Sum).sum
  })
  .query('failing', () => {
    throw new TypeError('a secret of the handler')
  })

export const perMinute = stateObject('perMinute', {
  state,
  init: () => ({ sum: 0, n: 0 }),
  window: tumbling('1m', { grace: '1h' }),
}).on(deposits, ({ account: key }) => key, take)

export const bursts = stateObject('bursts', {
  state,
  init: () => ({ sum: 0, n: 0 }),
  window: session('1m', { grace: '1h', merge: (a: Sum, b: Sum) => ({ sum: a.sum + b.sum, n: a.n + b.n }) }),
}).on(deposits, ({ account: key }) => key, take)

export const token = 'a-token-of-an-app-which-is-long-enough'

export async function startedBank(log: MemoryLog, options: Partial<AppOptions> = {}): Promise<App> {
  const app = createApp({
    id: 'bank',
    log: log.open(),
    objects: [account],
    createTopics: true,
    logger: silentLogger,
    http: { port: 0, token },
    ...options,
  })
  await app.start()
  return app
}

export const byLane = { key: ({ lane }: Deposit): string => lane }
export const names = Array.from({ length: 20 }, (_, i) => `a${String(i).padStart(2, '0')}`)
export const toAll = (amount: number): Deposit[] =>
  names.map((name, i) => ({ lane: `l${i % 7}`, account: name, amount }))

/** Keys of which one may think that they cannot be sent. */
export const oddKeys = [
  '',
  ' ',
  '/',
  '..',
  '.',
  '%',
  '%2F',
  'a\0b',
  '__proto__',
  '{"a":1}',
  'ä😀',
  '\u{10ffff}',
  '\u{10ffff}x',
  'a|1|2',
  '?x=1&y#z',
  'x'.repeat(5_000),
]

/** Two instances that have processed as much for each account as is said. */
export async function twoBanks(
  log: MemoryLog,
  amount: number,
): Promise<{ readonly one: App; readonly two: App } & AsyncDisposable> {
  await log.send(deposits, toAll(amount), byLane)
  const one = await startedBank(log)
  const two = await startedBank(log)
  await one.drained()
  return {
    one,
    two,
    async [Symbol.asyncDispose]() {
      await two.close()
      await one.close()
    },
  }
}
