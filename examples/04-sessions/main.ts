import { run, table, valuesOf } from '../shared/run.js'
import { clickFeed, firstDay } from './feed.js'
import { clicks, visit, visits } from './sessions.js'

await run({
  id: 'sessions',
  objects: [visit],
  load: (log) => log.send(clicks, clickFeed(), { key: ({ user }) => user }),
  input: clicks,
  async show(log) {
    const all = (await valuesOf(log, visits)).sort((a, b) =>
      a.user === b.user ? a.start - b.start : a.user < b.user ? -1 : 1,
    )
    table(
      ['user', 'from', 'to', 'clicks', 'first page', 'last page'],
      all.map(({ user, start, end, pages }) => [
        user,
        time(start),
        time(end),
        pages.length,
        String(pages[0]),
        String(pages.at(-1)),
      ]),
    )
    console.log(`${all.length} visits, ${all.reduce((sum, { pages }) => sum + pages.length, 0)} clicks`)
  },
})

function time(ms: number): string {
  const day = 1 + Math.floor((ms - firstDay) / (24 * 60 * 60_000))
  return `day ${day}, ${new Date(ms).toISOString().slice(11, 16)}`
}
