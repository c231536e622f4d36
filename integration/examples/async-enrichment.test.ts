import { countryOf, loginFeed } from '../../examples/09-async-enrichment/service.js'
import { grouped, output, rowsOf } from './output.js'

/** A user's logins up to the first that the service never answers; from there on they are dead letters. */
function expected(): string {
  const counts = new Map<string, { logins: number; moves: number }>()
  const letters: string[] = []
  for (const [user, logins] of grouped(loginFeed(), ({ user }) => user)) {
    const isUnknown = logins.findIndex(({ ip }) => /^1?13\./.test(ip))
    const good = isUnknown < 0 ? logins : logins.slice(0, isUnknown)
    good.forEach(({ ip }, i) => {
      const count = counts.get(countryOf(ip)) ?? { logins: 0, moves: 0 }
      counts.set(countryOf(ip), count)
      count.logins++
      if (i > 0 && countryOf(good[i - 1]!.ip) !== countryOf(ip)) count.moves++
    })
    logins.slice(good.length).forEach(({ n }, i) => {
      letters.push(`${user} ${n}: ${i === 0 ? 'HANDLER_FAILED after 4' : 'QUARANTINED after 0'} attempts`)
    })
  }
  return [
    ...[...counts].sort().map(([country, { logins, moves }]) => `${country} ${logins} ${moves}`),
    '',
    'logins that could not be located, from the dead-letter topic:',
    ...letters.sort(),
  ].join('\n')
}

it('logins are located in order per user, until one cannot be', async () => {
  expect(rowsOf(await output('09-async-enrichment'))).toBe(expected())
}, 60_000)
