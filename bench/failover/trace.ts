import type { GroupWatch } from './group-watch.js'
import type { World } from './world.js'

const longMs = 300

/** What happened around an event, in milliseconds since it: the group's states, what the instances logged, who was heard first. */
export function traceOf(
  { started, observer }: World,
  watch: GroupWatch,
  what: string,
  from: number,
  to: number,
): string {
  const within = (at: number): boolean => at >= from && at <= to
  const group = watch.changes.map(({ askedAt, state, members }) => ({
    at: askedAt,
    text: `group: ${state}, ${members} members`,
  }))
  const said = started.flatMap(({ name, lines }) =>
    lines
      .filter(({ fields }) => !fields.startsWith('{"kafkajs"'))
      .map(({ at, message, fields }) => ({ at, text: `${name}: ${message} ${fields.slice(0, 200)}` })),
  )
  const heard = observer.owners.flatMap((owners, task) =>
    owners.map(({ by, from: at }) => ({ at, text: `task ${task} is heard from ${by}` })),
  )
  const silent = observer.arrivals.flatMap((arrivals, task) =>
    arrivals.flatMap((at, i) => {
      const gap = at - (arrivals[i - 1] ?? at)
      return gap > longMs ? [{ at: at - gap, text: `task ${task} is silent for ${gap.toFixed(0)} ms` }] : []
    }),
  )
  const lines = [...group, ...said, ...heard, ...silent].filter(({ at }) => within(at)).sort((a, b) => a.at - b.at)
  return `--- ${what}\n${lines.map(({ at, text }) => `${(at - from).toFixed(0).padStart(7)} ${text}\n`).join('')}`
}
