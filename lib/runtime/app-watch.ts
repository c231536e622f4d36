import { reasonOf } from '../core/errors.js'
import { isHeard, publish } from '../core/telemetry/channels.js'
import { isReady, judge, type Facts, type Judgement } from './watch/app-state.js'
import type { EngineOptions, Health } from './setup/engine-options.js'
import { inboxTopic } from '../model/names.js'
import { KnownEnds } from './path/known-ends.js'
import type { Held } from '../log/port.js'
import type { Ownership } from './ownership.js'
import type { Parts } from './parts.js'
import type { WaitingPartition } from './watch/waiting-partition.js'
import { needsOperator, RecentLetters } from './watch/needs-operator.js'
import { HeldWatch } from './watch/held-watch.js'
import { RestoreWatch, type Restoring } from './watch/restore-watch.js'
import { StateWatch } from './watch/state-watch.js'

/** What of an engine can be seen from outside. */
export interface Watched {
  readonly parts: Parts | undefined
  readonly ownership: Ownership | undefined
  readonly stage: Facts['stage']
  readonly schemas: string | undefined
  readonly end: 'closing' | 'closed' | undefined
  readonly failure: { readonly error: unknown } | undefined
}

/** Trouble shows by the clock: nothing happens when a commit hangs. */
const lookMs = 100

/** Looks at an engine from the side, at intervals and at turning points: its health, and who is to be told of changes. */
export class AppWatch {
  readonly states: StateWatch
  readonly restore: RestoreWatch
  readonly #options: EngineOptions
  readonly #watched: () => Watched
  readonly #recent: RecentLetters
  #ends: KnownEnds | undefined
  #held: HeldWatch | undefined
  #stop: (() => void) | undefined
  #stopped = false
  #hasTold = false
  /** Commits decided when last looked at, and since when there has been none or nothing to decide. */
  #decided = 0
  #undecidedSince = 0

  constructor(options: EngineOptions, watched: () => Watched) {
    const { app, clock, logger } = options
    this.#options = options
    this.#watched = watched
    this.states = new StateWatch(app, clock, logger)
    this.#recent = new RecentLetters(clock)
    this.restore = new RestoreWatch(clock, logger)
    this.restore.onReport((report) => {
      if (isHeard('millrace:restore')) publish('millrace:restore', { app, ...report })
    })
  }

  start(): void {
    this.#stop ??= this.#options.clock.every(lookMs, () => this.look())
  }

  stop(): void {
    this.#stop?.()
    this.#stopped = true
    this.look()
  }

  look(): void {
    this.#recent.look(this.#letters)
    const { parts } = this.#watched()
    if (parts !== undefined) {
      this.restore.look(new Set(parts.tasks.taking))
      this.#ends ??= new KnownEnds(parts.intake, this.#options.log.admin, this.#options.logger)
      this.#ends.look(parts.tasks.running.values())
      this.#held ??= heldWatch(this.#options, parts)
      this.#held.look()
      parts.refusals.look(this.#stopped)
      this.#tellOf(parts.processor.waiting)
    }
    this.states.look(this.#judgement())
  }

  /** Once for each time that some have to wait. */
  #tellOf([first]: readonly WaitingPartition[]): void {
    if (first !== undefined && !this.#hasTold) this.#options.logger.warn({ ...first }, first.reason)
    this.#hasTold = first !== undefined
  }

  /** What is to be seen now of the engine's parts, in whatever stage it is. */
  get inside(): Watched {
    return this.#watched()
  }

  /** Where a partition ends, as far as that is known. */
  endOf(topic: string, partition: number): number | undefined {
    return this.#ends?.of(topic, partition)
  }

  /** Tasks that are being taken over, and how far each is. */
  get restoring(): readonly Restoring[] {
    const { parts } = this.#watched()
    return (parts?.tasks.taking ?? []).map((task) => this.restore.of(task))
  }

  get health(): Health {
    const { parts, end, failure } = this.#watched()
    const { state, reason } = this.#judgement()
    const held = state === 'closed' ? [] : (this.#held?.found ?? [])
    const lag = parts?.tasks.lag((topic, partition) => this.endOf(topic, partition)) ?? 0
    const live = failure === undefined && end !== 'closed'
    const quarantined = parts?.tasks.quarantined ?? 0
    const waiting = state === 'closed' ? [] : (parts?.processor.waiting ?? [])
    const paused = state === 'closed' ? [] : (parts?.breakers.paused ?? [])
    const ready = isReady(state, parts?.tasks.keeps === true)
    const takingOver = state === 'closed' ? [] : (parts?.tasks.taking ?? [])
    return {
      live,
      ready,
      state,
      reason: reason ?? textOf(held) ?? textOf(waiting),
      takingOver,
      lag,
      held,
      waiting,
      quarantined,
      retries: parts?.tasks.retries ?? 0,
      deadLetters: this.#letters,
      needsOperator: needsOperator({
        app: this.#options.app,
        failure: failure === undefined ? undefined : reasonOf(failure.error),
        quarantined,
        letters: this.#recent.of(this.#letters),
        held,
      }),
      paused,
    }
  }

  get #letters(): number {
    return this.#watched().parts?.passage.counts.total.deadLetters ?? 0
  }

  #judgement(): Judgement {
    const { parts, ownership, stage, schemas, end, failure } = this.#watched()
    return judge({
      app: this.#options.app,
      end: failure === undefined ? end : { ...failure, reason: reasonOf(failure.error) },
      stage,
      schemas,
      loaded: parts?.lookups.progress,
      awaited: ownership?.awaited,
      trouble: this.#options.log.trouble,
      commitMs: this.#commitMs(parts, ownership),
      holds: ownership?.holds === true,
      awaitsRound: ownership?.awaitsRound === true,
      taking: parts?.tasks.taking ?? [],
      assigned: parts?.tasks.held.length ?? 0,
      restored: this.restore.text,
    })
  }

  #commitMs(parts: Parts | undefined, ownership: Ownership | undefined): number {
    const now = this.#options.clock.elapsed()
    const decided = (parts?.cycle.commits ?? 0) + (ownership?.rollbacks ?? 0)
    if (parts?.cycle.sending !== true || decided !== this.#decided) {
      this.#decided = decided
      this.#undecidedSince = now
    }
    return now - this.#undecidedSince
  }
}

function heldWatch({ app, clock, logger, log: { admin }, program }: EngineOptions, parts: Parts): HeldWatch {
  const written = new Set([
    ...program.targets.map(({ name }) => name),
    ...program.kinds.map(({ name }) => inboxTopic(app, name)),
  ])
  const held = (): readonly Held[] => [...parts.intake.held(), ...parts.lookups.held()]
  return new HeldWatch({ app, clock, logger, admin, held, writesTo: (topic) => written.has(topic) })
}

function textOf([first, ...others]: readonly { readonly reason: string }[]): string | undefined {
  if (first === undefined) return undefined
  return others.length === 0 ? first.reason : `${first.reason} (${others.length} partitions more are held so)`
}
