import { clickFeed } from '../../examples/04-sessions/feed.js'
import { grouped, output, rowsOf } from './output.js'

const halfAnHour = 30 * 60_000

/** Each user's clicks in order, cut where half an hour or more is between two. */
function expected(): string {
  const visits = [...grouped(clickFeed(), ({ user }) => user)].sort().flatMap(([user, clicks]) => {
    const inOrder = clicks.sort((a, b) => a.at - b.at)
    const cuts = inOrder.flatMap(({ at }, i) => (i > 0 && at - inOrder[i - 1]!.at >= halfAnHour ? [i] : []))
    const parts = [0, ...cuts].map((from, i) => inOrder.slice(from, cuts[i]))
    // The last visit of everybody is not over.
    return parts.slice(0, -1).map((part) => ({ user, part }))
  })
  // Everybody comes once more at midnight, four days after the first.
  const secondDay = clickFeed().at(-1)!.at - 3 * 24 * 60 * 60_000
  const time = (ms: number): string => `day ${ms < secondDay ? 1 : 2}, ${new Date(ms).toISOString().slice(11, 16)}`
  return [
    ...visits.map(({ user, part }) => {
      const [first, last] = [part[0]!, part.at(-1)!]
      return `${user} ${time(first.at)} ${time(last.at)} ${part.length} ${first.page} ${last.page}`
    }),
    `${visits.length} visits, ${visits.reduce((sum, { part }) => sum + part.length, 0)} clicks`,
  ].join('\n')
}

it('visits end when there was no click for half an hour, in whatever order the clicks arrived', async () => {
  expect(rowsOf(await output('04-sessions'))).toBe(expected())
}, 60_000)
