import { setTimeout as sleep } from 'node:timers/promises'
import { run, table, valuesOf } from '../shared/run.js'
import { deadLogins, locateBy, located, logins, user } from './enrich.js'
import { loginFeed, startService } from './service.js'

const service = await startService()
const feed = loginFeed()

await run({
  id: 'async-enrichment',
  objects: [user(locateBy(service.url))],
  load: (log) => log.send(logins, feed, { key: ({ user }) => user }),
  input: logins,
  async show(log, id) {
    const letters = deadLogins(id)
    let found = await valuesOf(log, located)
    // What is tried again waits for its time, and `drained` does not: all have come out when they add up.
    while (found.length + (await valuesOf(log, letters)).length < feed.length) {
      await sleep(50)
      found = await valuesOf(log, located)
    }
    const byCountry = [...new Set(found.map(({ country }) => country))].sort()
    table(
      ['country', 'logins', 'moves to'],
      byCountry.map((country) => {
        const here = found.filter((login) => login.country === country)
        return [country, here.length, here.filter(({ isMove }) => isMove).length]
      }),
    )
    console.log('\nlogins that could not be located, from the dead-letter topic:')
    const lines: string[] = []
    for await (const { value, record } of log.read(letters)) {
      const header = (name: string): string => Buffer.from(record.headers.get(`millrace.${name}`) ?? '').toString()
      lines.push(`  ${value?.user} ${value?.n}: ${header('error.code')} after ${header('attempt')} attempts`)
    }
    console.log(lines.sort().join('\n'))
  },
})
service.close()
