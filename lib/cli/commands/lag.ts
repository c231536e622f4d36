import { systemClock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import { deadLetterTopic } from '../../model/names.js'
import { topicId } from '../../model/graph/graph.js'
import { roleIn } from '../topics/roles.js'
import { does, type Define } from '../frame/does.js'
import { CliError } from '../frame/exits.js'
import { durationOf, takes } from '../frame/options.js'
import type { Session } from '../frame/session.js'
import type { GroupLag } from '../lag/lag.js'
import { lagText } from '../lag/told.js'

interface LagArguments {
  readonly watch?: boolean
  readonly interval: number
  readonly group?: readonly string[]
}

export const define: Define = (command) => {
  takes(command, 'cluster', 'program')
    .option('-w, --watch', 'again and again, until Ctrl-C')
    .option('--interval <duration>', 'between two looks with --watch', durationOf, 2_000)
    .option('-g, --group <name...>', 'other groups too, such as those of sinks: <app>-sink-<name>')
    .action(does(lag))
}

async function lag(session: Session, options: LagArguments): Promise<void> {
  const look = await looking(session, options)
  if (options.watch !== true) {
    const groups = await look()
    session.out.result({ groups }, () => lagText(groups))
    return
  }
  while (!session.signal.aborted) {
    const groups = await look()
    const time = new Date(systemClock.now()).toISOString()
    session.out.item({ time, groups }, () => `${time}\n${lagText(groups)}\n`)
    await systemClock.sleep(Math.max(100, options.interval), session.signal)
  }
}

async function looking(session: Session, { group = [] }: LagArguments): Promise<() => Promise<readonly GroupLag[]>> {
  const { lagOf } = await import('../lag/lag.js')
  const made = await session.program()
  const app = await session.app()
  const { admin } = await session.log()
  const sinks = (made?.graph.nodes ?? []).flatMap((node) => {
    if (node.type !== 'sink') return []
    const topics = (made?.graph.edges ?? [])
      .filter(({ to }) => to === node.id)
      .map(({ from }) => from.slice(topicId('').length))
    return [{ group: `${node.group}`, topics, areAll: true }]
  })
  let wasTold = false
  /** The user of an app need not be the one who replays dead letters. */
  const unlessAllowed = (error: unknown): undefined => {
    if (!MillraceError.is(error, 'NOT_AUTHORIZED')) throw error
    if (!wasTold) session.out.note(`left out: which dead letters have been replayed. ${error.message}`)
    wasTold = true
  }
  return async () => {
    const own = await admin.list(`${app}-`)
    const inboxes = own.filter((topic) => roleIn(app, topic) === 'inbox')
    const letters = own.filter((topic) => topic === deadLetterTopic(app))
    const sources = made?.program.sources.map(({ name }) => name) ?? []
    const first = await lagOf(admin, app, { topics: [...sources, ...inboxes], areAll: made !== undefined })
    const named = [...new Set(group)].filter((name) => !sinks.some((sink) => sink.group === name))
    const others = [...sinks, ...named.map((name) => ({ group: name, topics: [], areAll: false }))]
    const rest = await Promise.all([
      ...others.map((each) => lagOf(admin, each.group, each)),
      ...letters.map((topic) => lagOf(admin, `${app}-replay`, { topics: [topic], areAll: true }).catch(unlessAllowed)),
    ])
    const groups = [first, ...rest.filter((each) => each !== undefined)]
    const lost = groups.find(({ group: name, state, partitions }) => {
      // One that was reset has no group any more, and its dead letters still.
      const isNamed = name === app ? letters.length === 0 : group.includes(name)
      return isNamed && state === 'none' && partitions.length === 0
    })
    if (lost === undefined) return groups
    throw new CliError(
      'notFound',
      `there is no group '${lost.group}' on this cluster, and it has no offsets: has app '${app}' ever run here?`,
    )
  }
}
