import { between, daysAgo, random } from '../shared/generate.js'
import type { Payment } from './fraud.js'

const day = daysAgo(1)
const secondMs = 1_000
const minuteMs = 60 * secondMs
const midnight = day + 24 * 60 * minuteMs
const accounts = Array.from({ length: 200 }, (_, n) => `account-${String(n).padStart(3, '0')}`)

/** A day of payments, in order; at midnight all accounts pay a fee. */
export function paymentFeed(seed = 6): readonly Payment[] {
  const next = random(seed)
  const pick = (): string => accounts[between(next, 0, accounts.length - 1)] ?? ''
  const all: Payment[] = []
  for (let at = day; at < midnight - minuteMs; at += between(next, 1, 16) * secondMs) {
    const chance = next()
    // Small and large ones are ordinary too, on their own.
    const amount =
      chance < 0.03 ? between(next, 1, 4) : chance < 0.06 ? between(next, 500, 2_000) : between(next, 5, 499)
    all.push({ account: pick(), at, amount })
  }
  // Some are fraud; others only look like it: too slow, or one small payment short.
  for (let n = 0; n < 60; n++) {
    const account = pick()
    const begun = day + between(next, 0, 23 * 60) * minuteMs
    const paceMs = between(next, 60, 260) * secondMs
    const small = between(next, 2, 5)
    for (let i = 0; i < small; i++) all.push({ account, at: begun + i * paceMs, amount: between(next, 1, 4) })
    all.push({ account, at: begun + small * paceMs, amount: between(next, 500, 2_000) })
  }
  all.sort((a, b) => a.at - b.at)
  return [...all, ...accounts.map((account) => ({ account, at: midnight, amount: 10 }))]
}
