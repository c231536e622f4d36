import { paymentFeed } from '../../examples/06-fraud-alert/feed.js'
import { grouped, output, rowsOf } from './output.js'

const tenMinutes = 10 * 60_000

/** Of each account by looking back from each large payment, and from midnight, over all that was paid before. */
function expected(): string {
  const feed = paymentFeed()
  const midnight = feed.at(-1)!.at
  const alerts: { account: string; at: number; amount: number }[] = []
  const watched: string[] = []
  for (const [account, all] of [...grouped(feed, ({ account }) => account)].sort()) {
    let alertedAt = -1
    const smallBefore = (end: number, at: number) =>
      all.slice(alertedAt + 1, end).filter((earlier) => earlier.amount < 5 && earlier.at > at - tenMinutes)
    let last = 0
    all.forEach(({ at, amount }, i) => {
      if (amount < 5 || amount >= 500) last = i
      if (amount < 500 || smallBefore(i, at).length < 3) return
      alerts.push({ account, at, amount })
      alertedAt = i
    })
    if (smallBefore(all.length, midnight).length > 0)
      watched.push(`${account}: ${smallBefore(last + 1, all[last]!.at).length}`)
  }
  const time = (ms: number): string => new Date(ms).toISOString().slice(11, 19)
  return [
    ...alerts.sort((a, b) => a.at - b.at).map(({ account, at, amount }) => `${time(at)} ${account} ${amount}`),
    '',
    'accounts with small payments in the last ten minutes:',
    ...watched,
  ].join('\n')
}

it('alerts are raised for large payments soon after three small ones, and only who may still be one is watched', async () => {
  expect(rowsOf(await output('06-fraud-alert'))).toBe(expected())
}, 60_000)
