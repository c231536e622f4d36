const millrace = `import { z } from 'zod'
import { createApp, stateObject, topic, type App, type StateObject, type Topic } from 'millrace'
declare const kafka: { brokers: string[] }
`

/** What the text of a page takes for granted where its code begins. */
export const given: Readonly<Record<string, string>> = {
  'README.md': `${millrace}import { expect } from '@jest/globals'
import { text } from 'millrace'
const lines = topic('lines', text())
const counts = topic('word-counts', z.object({ word: z.string(), count: z.number() }))
const word = stateObject('word', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) })
`,
  'docs/any-language.md': `${millrace}import type { Log } from 'millrace'
declare const log: Log
declare const sensor: StateObject
declare const readings: Topic<unknown>
declare const highs: Topic<{ sensor: string }>
declare const High: z.ZodType<{ sensor: string }>
`,
  'docs/async.md': `${millrace}
const orders = topic('orders', z.object({ customer: z.string() }))
const rated = topic('rated', z.object({ customer: z.string(), rating: z.number() }))
const kind = stateObject('customer', { state: z.object({ rating: z.number() }), init: () => ({ rating: 0 }) })
declare function fetchRating(customer: string, options: { signal: AbortSignal }): Promise<number>
`,
  'docs/at-least-once.md': `${millrace}declare const order: StateObject\n`,
  'docs/concepts.md': `${millrace}
const payments = topic('payments', z.object({ account: z.string(), cents: z.number() }))
`,
  'docs/deployment.md': millrace,
  'docs/lifecycle.md': `${millrace}import { createServer } from 'node:http'\ndeclare const order: StateObject\n`,
  'docs/errors.md': `import { MillraceError } from 'millrace'\ndeclare const error: unknown\n`,
  'docs/failures.md': `${millrace}import { Fatal, replayDeadLetters, RetryAfter } from 'millrace'
declare const app: App
declare const response: Response
declare const cause: Error
declare const brokers: string[]
const orders = topic('orders', z.object({ id: z.string() }))
const kind = stateObject('order', { state: z.object({}), init: () => ({}) })
declare const handler: (state: {}) => Promise<void>
`,
  'docs/metrics.md': `${millrace}declare const objects: StateObject[]
declare const token: string
`,
  'docs/http.md': `${millrace}import { nodeHandler } from 'millrace'
declare const brokers: string[]
declare const account: StateObject
`,
  'docs/monitor.md': `${millrace}declare const brokers: string[]
declare const account: StateObject
`,
  'docs/joins.md': `${millrace}
const orders = topic('orders', z.object({ id: z.string(), amount: z.number() }))
const payments = topic('payments', z.object({ order: z.string() }))
const unpaid = topic('unpaid', z.object({ order: z.string() }))
declare function complete(state: object, turn: { delete(): void }): void
`,
  'docs/lookups.md': `${millrace}import { lookup } from 'millrace'
import { testDriver } from 'millrace/testing'
const state = z.object({ discount: z.number() })
const init = () => ({ discount: 0 })
const placed = z.object({ id: z.string(), customer: z.string(), product: z.string(), quantity: z.number() })
declare const orders: Topic<any>
const prices = topic('prices', z.object({ product: z.string(), cents: z.number() }))
const unpriced = topic('unpriced', placed)
const invoices = topic('invoices', z.object({ id: z.string(), cents: z.number() }))
`,
  'docs/queries.md': `${millrace}import { commitToken, type LogClient } from 'millrace'
declare const brokers: string[]
declare const secret: string
declare const log: LogClient
const orders = topic('orders', z.object({ account: z.string(), amount: z.number() }))
declare const order: { account: string; amount: number }
const account = stateObject('account', { state: z.object({ balance: z.number() }), init: () => ({ balance: 0 }) })
  .on(orders, ({ account: key }) => key, (state, { amount }) => void (state.balance -= amount))
  .query('overdrawn', ({ balance }) => balance < 0)
declare const message: { key: string; value: string }
declare const producer: {
  send(what: { topic: string; messages: { key: string; value: string }[] }): Promise<{ topicName: string; partition: number; baseOffset?: string }[]>
}
`,
  'docs/operations.md': `${millrace}
import { parseDuration } from 'millrace'
declare const order: StateObject
declare const token: string
const state = z.object({ balance: z.number() })
const init = () => ({ balance: 0 })
const alerts = topic('alerts', z.object({ account: z.string() }))
const statements = topic('statements', z.object({ account: z.string() }))
declare const metrics: { gauge(name: string, value: unknown): void }
`,
  'docs/rabbitmq.md': `${millrace}import { readFileSync } from 'node:fs'
declare const account: StateObject
declare const payments: Topic<unknown>
declare const alerts: Topic<unknown>
`,
  'docs/schema-evolution.md': `${millrace}import { memoryLog } from 'millrace'
import { expect } from '@jest/globals'
const payments = topic('payments', z.object({ account: z.string(), amount: z.number() }))
declare const accountV1: StateObject
declare const examples: { account: string; amount: number }[]
declare function sum(amounts: number[]): number
`,
  'docs/sinks.md': `${millrace}import { it } from '@jest/globals'
declare const order: StateObject
declare const orderRows: Topic<OrderRow>
declare const url: string
declare function documentsWith(id: string): Promise<number>
`,
  'docs/sources.md': `${millrace}import { it } from '@jest/globals'
const order = z.object({ customer: z.string() })
declare function fileWith(lines: readonly string[]): string
`,
  'docs/tcp.md': `${millrace}import { readFileSync } from 'node:fs'
declare const ticks: Topic<unknown>
declare const highs: Topic<unknown>
`,
  'docs/testing.md': `import { expect } from '@jest/globals'\n`,
  'docs/timers.md': `${millrace}import type { Turn } from 'millrace'
const orders = topic('orders', z.object({ id: z.string(), amount: z.number() }))
const payments = topic('payments', z.object({ order: z.string() }))
const reminders = topic('reminders', z.object({ order: z.string(), amount: z.number() }))
declare const placed: { id: string; amount: number }
declare const turn: Turn<{ due: { amount: number } }>
declare const payment: { order: string }
const state = z.object({})
const init = () => ({})
const kind = stateObject('beat', { state, init })
`,
  'docs/windows.md': `${millrace}import { tumbling } from 'millrace'
const state = z.object({ open: z.number(), close: z.number() })
const init = () => ({ open: 0, close: 0 })
const trades = topic('trades', z.object({ symbol: z.string(), price: z.number() }))
const candles = topic('candles', z.object({ symbol: z.string(), start: z.number(), open: z.number(), close: z.number() }))
const schema = z.object({ day: z.number() })
`,
}
