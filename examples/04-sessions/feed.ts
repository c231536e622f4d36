import { between, daysAgo, random } from '../shared/generate.js'
import type { Click } from './sessions.js'

export const firstDay = daysAgo(5)
const minuteMs = 60_000
const users = ['ann', 'bob', 'cho', 'dee', 'eli', 'fay', 'gus', 'hal', 'ida', 'jon']
const pages = ['/', '/search', '/shoes', '/hats', '/cart', '/checkout', '/help']

/**
 * Two days of clicks in the order in which they arrive: a phone without a network sends them up to 40 minutes later, though
 * never longer, so none is too late. At the end everybody comes once more, which closes what they did before.
 */
export function clickFeed(seed = 4): readonly Click[] {
  const next = random(seed)
  const arriving = users.flatMap((user) => {
    const own: { readonly click: Click; readonly arrivesAt: number }[] = []
    let at = firstDay + between(next, 0, 600) * minuteMs
    while (at < firstDay + 2 * 24 * 60 * minuteMs) {
      const page = pages[between(next, 0, pages.length - 1)] ?? '/'
      const delay = next() < 0.2 ? between(next, 0, 40 * minuteMs) : 0
      own.push({ click: { user, at, page }, arrivesAt: at + delay })
      // Most clicks follow within half an hour; now and then somebody is away for hours.
      at += next() < 0.06 ? between(next, 31, 600) * minuteMs : between(next, 5_000, 28 * minuteMs)
    }
    return own
  })
  const inOrder = arriving.sort((a, b) => a.arrivesAt - b.arrivesAt).map(({ click }) => click)
  return [...inOrder, ...users.map((user) => ({ user, at: firstDay + 4 * 24 * 60 * minuteMs, page: '/' }))]
}
