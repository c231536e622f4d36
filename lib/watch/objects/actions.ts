import { MillraceError } from '../../core/errors.js'
import type { Engine } from '../../runtime/engine.js'
import { release } from '../../runtime/quarantine.js'
import type { LocalObjects } from './local-objects.js'
import type { Objects } from './objects.js'
import type { ReplayOutcome } from '../overview/shapes.js'

/** Which dead letters: those of which all holds that is said. */
export interface LetterChoice {
  readonly kind?: string
  readonly key?: string
  readonly code?: string
  readonly letter?: { readonly partition: number; readonly offset: number }
}

/** Sends dead letters back: `replayDeadLetters` of the app that runs here. */
export type Replay = (selection: {
  readonly only?: LetterChoice
  readonly drop?: LetterChoice & { readonly reason: string }
}) => Promise<ReplayOutcome>

/** Of those that were left, how many are told. */
const mostTold = 20
/** A release waits for a commit of whoever has the object. */
const patienceMs = 15_000

/** What somebody can do who looks at an app. */
export class Actions {
  readonly #engine: Engine
  readonly #local: LocalObjects
  readonly #objects: Objects
  readonly #replay: Replay

  constructor(engine: Engine, local: LocalObjects, objects: Objects, replay: Replay) {
    this.#engine = engine
    this.#local = local
    this.#objects = objects
    this.#replay = replay
  }

  /** Lifts the quarantine of an object, wherever it is. Rejects with `KEY_ELSEWHERE` when whoever has it cannot be asked. */
  async release(kind: string, key: string, isHere: boolean): Promise<boolean> {
    if (this.#local.runs(this.#local.taskOf(kind, key))) return release(this.#engine, kind, key)
    const asking = { path: '/api/release', body: { kind, key, here: true }, timeoutMs: patienceMs }
    const answer = await this.#objects.atOwner(kind, key, isHere, asking)
    return (answer as { readonly released?: unknown } | undefined)?.released === true
  }

  async replay(only: LetterChoice | undefined): Promise<ReplayOutcome> {
    return told(await this.#replay(only === undefined ? {} : { only }))
  }

  /** Throws `OPTIONS_INVALID` for a choice that names nothing. */
  async drop(which: LetterChoice, reason: string): Promise<ReplayOutcome> {
    if (Object.values(which).every((value) => value === undefined))
      throw new MillraceError(
        'OPTIONS_INVALID',
        'drop: it does not say which letters; give a kind, key, code or letter',
      )
    return told(await this.#replay({ drop: { ...which, reason } }))
  }
}

const told = ({ replayed, objects, dropped, resent, leftInAll, left }: ReplayOutcome): ReplayOutcome => ({
  replayed,
  objects,
  dropped,
  resent,
  leftInAll,
  left: left.slice(0, mostTold).map(({ partition, offset, why }) => ({ partition, offset, why })),
})
