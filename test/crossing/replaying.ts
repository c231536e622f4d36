import { replay, type ReplaySelection } from '../../lib/app/replay.js'
import { silentLogger } from '../../lib/core/logger.js'
import type { LogPort } from '../../lib/log/port.js'
import type { LetterFacts } from '../../lib/turn/failing/letter.js'

/** Which letters are sent back, and how. */
export type Replay =
  | { readonly how: 'all' }
  | { readonly how: 'only' | 'drop'; readonly key: string }
  /** No turn of them fails any more. */
  | { readonly how: 'edit' }

/** The code of what a handler throws. */
const failed = 'HANDLER_FAILED'

/** A turn that is not run any more. */
export interface Dropped {
  readonly what: 'record' | 'timer'
  /** Of kind and object, as turns say it. */
  readonly name: string
  readonly n: number
}

/** Resolves to the turns that were dropped. */
export async function replayed(id: string, log: LogPort, given: Replay): Promise<readonly Dropped[]> {
  const dropped: Dropped[] = []
  const onSent = (_at: unknown, facts: LetterFacts, what: string): void => {
    if (what === 'dropped') dropped.push(turnOf(facts))
  }
  await replay(log, { id, ...selectionOf(given) }, { logger: silentLogger, onSent })
  return dropped
}

function selectionOf(given: Replay): ReplaySelection {
  if (given.how === 'all') return {}
  if (given.how === 'edit') return { edit: edited }
  const { how, key } = given
  return how === 'only' ? { only: { key } } : { drop: { key, code: failed, reason: 'to see what comes of it' } }
}

/** One that came too late is not edited: it would be a new record of its topic, for kinds too that have had their turn with it. */
const edited: NonNullable<ReplaySelection['edit']> = ({ code, record: { value } }) =>
  value === null || code !== failed ? undefined : unfailing(value)

const unfailing = (value: Uint8Array): { readonly value: string } => ({
  value: Buffer.from(value)
    .toString()
    .replaceAll(/"fails":-?\d+/g, '"fails":0'),
})

/** What its turn said when it failed. */
function turnOf({ kind, message }: LetterFacts): Dropped {
  const [, timer, n, object] = /(timer of )?(\d+) of (\S+) fails/.exec(message ?? '') ?? []
  if (n === undefined) throw new Error(`of a dropped letter it is not known what it is: ${message}`)
  return { what: timer === undefined ? 'record' : 'timer', name: `${kind} ${object}`, n: Number(n) }
}
