/** What a topic is to an app. */
export type Role =
  'source' | 'lookup' | 'output' | 'sink' | 'changelog' | 'inbox' | 'timers' | 'dead letters' | 'positions'

/** What a topic is by its name; undefined for one that is not the app's own, also of an app whose id begins with this one's. */
export function roleIn(app: string, topic: string): Role | undefined {
  if (!topic.startsWith(`${app}-`)) return undefined
  const rest = topic.slice(app.length + 1)
  if (rest === 'timers') return 'timers'
  if (rest === 'dlq') return 'dead letters'
  const [, what] = /^[A-Za-z0-9_.]+-(changelog|inbox|positions)$/.exec(rest) ?? []
  return what as Role | undefined
}
