import type { LetterLine, ReplayOutcome } from '../../lib/watch/overview/shapes.js'
import { post } from '../api.js'
import { html } from '../html.js'
import { visibleKey } from '../format.js'
import type { Asked } from '../parts/confirm.js'
import { count } from './object-detail.js'

/** What has come of it, in words. */
function told({ replayed, objects, dropped, resent, leftInAll, left }: ReplayOutcome): string {
  const done = [
    ...(replayed > 0 ? [`${count(replayed, 'letter')} of ${count(objects, 'object')} on the way back`] : []),
    ...(dropped > 0 ? [`${count(dropped, 'letter')} dropped`] : []),
    ...(resent > 0 ? [`${count(resent, 'record')} sent again`] : []),
  ]
  const first = left[0]
  const stays =
    leftInAll === 0 || first === undefined
      ? ''
      : ` ${count(leftInAll, 'letter')} left where they are, the first since ${first.why}.`
  return `${done.length === 0 ? 'No letter was sent' : done.join(', ')}.${stays}`
}

type Choice = { kind?: string | undefined; key?: string | undefined; letter?: { partition: number; offset: number } }

const replay = async (only: Choice | undefined): Promise<string> =>
  told(await post<ReplayOutcome>('letters/replay', only === undefined ? {} : { only }))

export const replayAll: Asked = {
  title: 'Replay all new dead letters?',
  text: html`<p>
    All letters that have come since the last replay go back to their objects, in order. Those that fail again become
    dead letters again.
  </p>`,
  verb: 'Replay',
  act: () => replay(undefined),
}

const nameOf = ({ kind, key, partition, offset }: LetterLine): string =>
  kind === undefined ? `the letter at ${partition}@${offset}` : `${kind} ${visibleKey(key ?? '', 100)}`

export function replayOne(line: LetterLine): Asked {
  const { partition, offset, kind } = line
  return {
    title: 'Replay this letter?',
    text: html`<p>
      The record has its turn again on
      <strong>${nameOf(line)}</strong
      >.${kind !== undefined && ' Open letters of the object before this one are replayed too: they keep their order.'}
    </p>`,
    verb: 'Replay',
    act: () => replay({ letter: { partition, offset } }),
  }
}

export function replayObject(line: LetterLine): Asked {
  return {
    title: 'Replay all letters of this object?',
    text: html`<p>
      All open letters of <strong>${nameOf(line)}</strong> have their turns again, from the oldest on. When the last has
      had its own the object leaves quarantine.
    </p>`,
    verb: 'Replay all',
    act: () => replay({ kind: line.kind, key: line.key }),
  }
}

export function dropOne(line: LetterLine): Asked {
  const { partition, offset, kind } = line
  return {
    title: 'Drop this letter?',
    text: html`<p>
      The record of <strong>${nameOf(line)}</strong> is not run: what it would have done does not
      happen.${kind !== undefined && ' Open letters of the object before this one are replayed first.'} This cannot be
      taken back.
    </p>`,
    verb: 'Drop',
    isGrave: true,
    reason: 'Why it is dropped, for the log',
    act: async (reason) =>
      told(await post<ReplayOutcome>('letters/drop', { which: { letter: { partition, offset } }, reason })),
  }
}
