import { storedCodec } from '../../codec/stored.js'
import { reasonOf } from '../../core/errors.js'
import { isThenable } from '../../core/record-checks.js'
import type { ActiveTurn } from './active-turn.js'
import { sessionsCodec, type TurnHandler } from '../windows/sessions.js'
import { deleted, emitted, timers } from '../windows/turn-parts.js'
import { TestFinding } from './test-finding.js'
import type { TurnSource } from '../kept/turn-source.js'

/** What a turn came to, as text. */
type Outcome = Readonly<Record<'state' | 'emits' | 'timers' | 'deleted' | 'error', string>>

/**
 * The same source, whose turns are run twice: first on a copy of the object, then on the object. Both must come to the
 * same, or else a record that is processed again after a failure does not give what it gave before.
 * Throws `NOT_DETERMINISTIC`, which stops the app.
 */
export function rehearsed(source: TurnSource): TurnSource {
  const { kind, handler, init } = source
  const stored = storedCodec(kind.window?.kind === 'session' ? sessionsCodec(kind.codec) : kind.codec)
  const run = (state: unknown, value: never, turn: ActiveTurn): unknown => {
    const before = textOf(state)
    // It is one that `init` has made: the turn itself is refused for it.
    if (before.isRefused) return handler(state as never, value, turn as never)
    if (turn.isNew) compare(source, turn.key, onlyState(before.text), onlyState(textOf(init(turn.key)).text))
    const copy = stored.decode(before.text)
    const rehearsal = turn.again()
    const first = outcome(() => handler(copy as never, turn.ownValue() as never, rehearsal as never), copy, rehearsal)
    const second = (expected: Outcome): unknown => {
      const returned = handler(state as never, value, turn as never)
      const check = (): void => compare(source, turn.key, outcomeOf(state, turn, ''), expected)
      return isThenable(returned) ? returned.then(check) : (check(), returned)
    }
    return isThenable(first) ? first.then(second) : second(first)
  }

  function textOf(state: unknown): { readonly text: string; readonly isRefused: boolean } {
    try {
      return { text: stored.encode(state), isRefused: false }
    } catch (cause) {
      return { text: `one that cannot be stored: ${reasonOf(cause)}`, isRefused: true }
    }
  }

  function outcome(attempt: () => unknown, state: unknown, turn: ActiveTurn): Outcome | PromiseLike<Outcome> {
    try {
      const returned = attempt()
      if (!isThenable(returned)) return outcomeOf(state, turn, '')
      return returned.then(
        () => outcomeOf(state, turn, ''),
        (error: unknown) => outcomeOf(state, turn, String(error)),
      )
    } catch (error) {
      return outcomeOf(state, turn, String(error))
    }
  }

  function outcomeOf(state: unknown, turn: ActiveTurn, error: string): Outcome {
    const emits = (turn[emitted] ?? []).map(({ value, headers, ...more }) => ({
      ...more,
      value: typeof value === 'string' ? value : value && Buffer.from(value).toString('base64'),
      headers: [...(headers ?? [])].map(([name, each]) => [name, each && Buffer.from(each).toString('base64')]),
    }))
    return {
      state: textOf(state).text,
      emits: JSON.stringify(emits),
      timers: JSON.stringify(turn[timers] ?? []),
      deleted: String(turn[deleted]),
      error,
    }
  }

  return { ...source, handler: run as TurnHandler }
}

function onlyState(state: string): Outcome {
  return { state, emits: '', timers: '', deleted: '', error: '' }
}

/** When the rehearsal failed, the turn itself is expected to throw, and does not come here. */
function compare({ kind, id }: TurnSource, key: string, second: Outcome, first: Outcome): void {
  for (const what of ['error', 'state', 'emits', 'timers', 'deleted'] as const) {
    if (second[what] === first[what]) continue
    throw new TestFinding(
      'NOT_DETERMINISTIC',
      `${kind.name} '${key}' (${id}): run twice on the same object and record, the turn came to different ${what}: first ${first[what] || 'none'}, then ${second[what] || 'none'}. Take time from turn.now, and random numbers or ids from the record.`,
      { kind: kind.name, key },
    )
  }
}
