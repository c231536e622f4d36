import { replay, replayDeadLetters } from '../../lib/app/replay.js'
import type { LogPort } from '../../lib/log/port.js'
import type { LetterFacts } from '../../lib/turn/failing/letter.js'

/** Which letters are sent back, and how. */
export type Replay =
  | { readonly how: 'all' }
  | { readonly how: 'only' | 'drop'; readonly key: string }
  /** No turn of them fails any more. */
  | { readonly how: 'edit' }

/** A turn that is not run any more. */
export interface Dropped {
  readonly what: 'record' | 'timer'
  /** Of kind and object, as turns say it. */
  readonly name: string
  readonly n: number
}

const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }
function nothing(): void {}

/** Resolves to the turns that were dropped. */
export async function replayed(id: string, log: LogPort, given: Replay): Promise<readonly Dropped[]> {
  const dropped: Dropped[] = []
  if (given.how === 'drop') {
    const onSent = (_at: unknown, facts: LetterFacts, what: string): void => {
      if (what === 'dropped') dropped.push(turnOf(facts))
    }
    const drop = { key: given.key, code: 'HANDLER_FAILED', reason: 'to see what comes of it' }
    await replay(log, { id, drop }, { logger: silent, onSent })
  } else if (given.how === 'only') await replayDeadLetters({ id, log, only: { key: given.key }, logger: silent })
  else if (given.how === 'edit')
    await replayDeadLetters({
      id,
      log,
      edit: ({ record: { value } }) =>
        value === null
          ? undefined
          : {
              value: Buffer.from(value)
                .toString()
                .replaceAll(/"fails":-?\d+/g, '"fails":0'),
            },
    })
  else await replayDeadLetters({ id, log })
  return dropped
}

/** What its turn said when it failed. */
function turnOf({ kind, message }: LetterFacts): Dropped {
  const [, timer, n, object] = /(timer of )?(\d+) of (\S+) fails/.exec(message ?? '') ?? []
  if (n === undefined) throw new Error(`of a dropped letter it is not known what it is: ${message}`)
  return { what: timer === undefined ? 'record' : 'timer', name: `${kind} ${object}`, n: Number(n) }
}
