import { replay } from '../../app/replay.js'
import type { ReplayReport, ReplaySelection } from '../../app/replaying/selection.js'
import type { Logger } from '../../core/logger.js'
import type { LogPort } from '../../log/port.js'
import { counted, plainText, table } from '../frame/table.js'
import { rowsWith } from '../stored/rows.js'
import { dry } from './dry.js'
import { isDone } from './found.js'

export interface Sending {
  readonly app: string
  readonly execute: boolean
  readonly selection: ReplaySelection
  readonly logger: Logger
  readonly signal: AbortSignal
}

/** What a replay of the command has done, or would do. */
export interface SendingReport extends ReplayReport {
  /** Letters that it met and that needed nothing any more: they are not in the other counts. */
  readonly done: number
  /** The first of those that go somewhere: `0@12 order o-17`. */
  readonly sent: readonly string[]
  readonly sentInAll: number
}

export const mostListed = 100

/** Letters go again to whoever has had them, and nothing comes of it: only those that are open are counted. */
export async function sendLetters(
  log: LogPort,
  { app, execute, selection, logger, signal }: Sending,
): Promise<SendingReport> {
  const rows = await rowsWith(log, app, ['letters'], signal)
  const counts = { replayed: 0, dropped: 0, resent: 0 }
  const objects = new Set<string>()
  const sent: string[] = []
  let done = 0
  const report = await replay(
    execute ? log : dry(log),
    { id: app, ...selection },
    {
      logger,
      isTrial: !execute,
      onSent({ partition, offset }, facts, what) {
        if (isDone(facts, rows)) return void done++
        counts[what]++
        const { kind, key } = facts
        if (what === 'replayed') objects.add(`${kind} ${key}`)
        if (sent.length < mostListed)
          sent.push(
            `${partition}@${offset} ${kind ?? ''} ${key ?? ''}`.trimEnd() + (what === 'dropped' ? ', dropped' : ''),
          )
      },
    },
  )
  const sentInAll = counts.replayed + counts.dropped + counts.resent
  return { ...report, ...counts, objects: objects.size, done, sent, sentInAll }
}

/** For people. */
export function reportText(report: SendingReport, isDone: boolean): string {
  const { replayed, objects, dropped, resent, done, left, leftInAll, sent, sentInAll } = report
  const would = (is: string, be: string): string => (isDone ? is : be)
  const where = resent === 1 ? 'its topic' : 'their topics'
  const counts = [
    ...(replayed > 0
      ? [`${counted(replayed, 'letter')} ${would('sent back', 'to be sent back')} to ${counted(objects, 'object')}`]
      : []),
    ...(dropped > 0 ? [`${counted(dropped, 'letter')} ${would('dropped', 'to be dropped')}`] : []),
    ...(resent > 0 ? [`${counted(resent, 'record')} ${would('sent', 'to be sent')} to ${where} again, edited`] : []),
  ]
  const lines = [
    ...(isDone ? [] : ['What this would do; nothing has been changed.', '']),
    ...(counts.length === 0 ? [`no letters ${would('sent', 'to be sent')}`] : counts),
    ...(done > 0 ? [`${counted(done, 'letter')} met that ${done === 1 ? 'was' : 'were'} done already`] : []),
    ...(isDone ? [] : sent.map((line) => `  ${plainText(line)}`)),
    ...(!isDone && sentInAll > sent.length ? ['  …'] : []),
  ]
  if (leftInAll > 0) {
    lines.push('', `${counted(leftInAll, 'letter')} left where ${leftInAll === 1 ? 'it is' : 'they are'}:`)
    const rows = left.map(({ partition, offset, kind, key, code, why }) => [
      `${partition}@${offset}`,
      kind === undefined ? '-' : `${kind} ${key ?? ''}`,
      code ?? '-',
      why,
    ])
    lines.push(table(['letter', 'object', 'code', 'why'], rows.slice(0, mostListed)))
  }
  if (!isDone && sentInAll > 0) lines.push('', 'Add --execute to do it.')
  return lines.join('\n')
}
