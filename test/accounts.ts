import { z } from 'zod'
import type { Codec } from '../lib/codec/codec.js'
import { json } from '../lib/codec/json/json.js'
import { stateObject } from '../lib/model/state-object.js'
import { topic } from '../lib/model/stream.js'
import { session, tumbling, type Window } from '../lib/model/window.js'

/** A payment into an account; 0 closes it. */
export const payments = topic('payments', z.object({ account: z.string(), amount: z.number(), at: z.number() }), {
  timestamp: ({ at }) => at,
})
export const balances = topic('balances', z.object({ balance: z.number() }))
/** What a window had come to. */
export const periods = topic('periods', z.object({ balance: z.number(), from: z.number() }))

/** The same accounts in three versions of a program. Each keeps the balance in another shape. */
const first = z.object({ cents: z.number() })
const second = z.object({ payments: z.array(z.number()) })
const third = z.object({ balance: z.number(), count: z.number() })

const toSecond = ({ cents }: z.infer<typeof first>): unknown => ({ payments: [cents / 100] })
const toThird = ({ payments: all }: z.infer<typeof second>): unknown => ({ balance: sum(all), count: all.length })
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

const account = 'account'
const byAccount = ({ account: name }: { readonly account: string }): string => name

/** With a window, an account per window. */
export function accountsV1(window?: Window) {
  return stateObject(account, { state: first, init: () => ({ cents: 0 }), ...(window && { window }) })
    .on(payments, byAccount, (state, { amount }, turn) => {
      if (amount === 0) return turn.delete()
      state.cents += amount * 100
    })
    .query('balance', ({ cents }) => cents / 100)
}

export function accountsV2(window?: Window, codec: Codec<z.infer<typeof second>> = json(second)) {
  return stateObject(account, {
    state: second,
    init: () => ({ payments: [] }),
    version: 2,
    codec,
    ...(window && { window }),
  })
    .on(payments, byAccount, (state, { amount }, turn) => {
      if (amount === 0) return turn.delete()
      state.payments.push(amount)
    })
    .query('balance', (state) => sum(state.payments))
    .migrate(1, toSecond)
}

export function accountsV3(window?: Window) {
  return stateObject(account, {
    state: third,
    init: () => ({ balance: 0, count: 0 }),
    version: 3,
    ...(window && { window }),
  })
    .on(payments, byAccount, (state, { amount }, turn) => {
      if (amount === 0) return turn.delete()
      state.balance += amount
      state.count++
      if (state.balance < 0) throw new Error('overdrawn')
    })
    .query('balance', ({ balance }) => balance)
    .migrate(1, toSecond)
    .migrate(2, toThird)
}

export const days = tumbling('1d')
/** They stay open for so long that several of them are. */
const bursts = { gap: '1h', grace: '1d' } as const
export const burstsV1 = session(bursts.gap, {
  grace: bursts.grace,
  merge: (earlier: z.infer<typeof first>, later) => ({ cents: earlier.cents + later.cents }),
})
export const burstsV3 = session(bursts.gap, {
  grace: bursts.grace,
  merge: (earlier: z.infer<typeof third>, later) => ({
    balance: earlier.balance + later.balance,
    count: earlier.count + later.count,
  }),
})
