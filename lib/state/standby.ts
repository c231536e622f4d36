import type { Fetched } from '../log/port.js'
import type { StoreBatch } from '../store/store.js'
import { metaKey, tooOld, whyRestore, type ChangelogFacts, type StoreMeta } from './meta.js'
import { ObjectBatch } from './object-batch.js'
import { tombstoneRetentionMs, type TaskFacts } from './open-store.js'
import { apply, type AppliedTail } from './roll-forward.js'
import { StateCodec } from './state-codec.js'
import { raised } from './state-version.js'
import type { Changelog } from './take-over.js'
import type { TaskState } from './task-state.js'

/** Where the changelogs of a task ended, and when that was asked. */
interface Goal {
  readonly ends: ReadonlyMap<string, number>
  readonly askedAt: number
}

/**
 * The state of a task that another process runs, following its changelogs. It is a task state that nothing is processed
 * on, so a takeover goes on with it as it is. What it reads is committed, and each batch carries the offsets it is
 * complete up to.
 */
export class Standby {
  readonly state: TaskState
  readonly #tails: ReadonlyMap<string, AppliedTail & Omit<ChangelogFacts, 'end'>>
  #goal: Goal | undefined
  /** Where its changelogs ended when they were last seen. */
  readonly #ends = new Map<string, number>()
  #lags = false
  #ended = false
  #work: Promise<unknown> = Promise.resolve()

  /** `state` has just been rolled forward to the end of its changelogs. */
  constructor(state: TaskState, changelogs: readonly Changelog[], transactional: boolean) {
    this.state = state
    this.#tails = new Map(
      changelogs.map(({ kind, topic, info, hasStandings = false }) => {
        const facts = { topicId: info.id, start: 0, tombstoneRetentionMs: tombstoneRetentionMs(info), transactional }
        return [topic, { kind, stored: new StateCodec(kind), hasStandings, ...facts }]
      }),
    )
  }

  /** Where to read on, by changelog. */
  get positions(): ReadonlyMap<string, number> {
    return new Map(Object.entries(this.#meta.changelogs).map(([topic, { offset }]) => [topic, offset]))
  }

  /** Records that it is behind its changelogs, as far as their ends are known; what no reader is given counts too. */
  get lag(): number {
    let lag = 0
    for (const [topic, end] of this.#ends) lag += Math.max(0, end - (this.#meta.changelogs[topic]?.offset ?? end))
    return lag
  }

  /** False while it has not come to where its changelogs ended when they were last looked at but one. */
  get isCurrent(): boolean {
    return !this.#lags
  }

  /** It does nothing from now on; resolves, when nothing is being written any more, to what it has come to. */
  async end(): Promise<TaskState> {
    this.#ended = true
    await this.#work
    return this.state
  }

  /**
   * Resolves to the number of records applied, or to undefined when it has stood still for too long to read on: then it must
   * be restored. What does not begin where it stands is passed over.
   */
  async apply(fetched: Fetched, now: number): Promise<number | undefined> {
    let applied: number | undefined = 0
    await this.#do(async () => {
      const { topic, from, to } = fetched
      this.#ends.set(topic, fetched.highWatermark)
      const tail = this.#tails.get(topic)
      const known = this.#meta.changelogs[topic]
      if (tail === undefined || known?.offset !== from) return
      applied = undefined
      // Rule standby-age (integration/model).
      // Once it has caught up nobody could tell any more that it had missed deletions.
      if (tooOld(this.#meta, topic, { ...tail, end: to }, now)) return
      const { store } = this.state.rolling
      const batch = store.batch()
      const { records, version, standing } = apply(fetched, tail, new ObjectBatch(store, batch), this.#meta)
      applied = records
      const versions = raised(this.#meta.versions, tail.kind.name, version)
      const changelogs = { ...this.#meta.changelogs, [topic]: { ...known, offset: to } }
      const { positions, topics } = standing
      const meta = { ...this.#meta, changelogs, versions, positions, topics, clean: false }
      await this.#write(batch, this.#atGoal(meta))
    })
    return applied
  }

  /**
   * Compares it with its changelogs, by asking the log. Resolves to why it cannot be rolled forward any more. When it stands
   * where they end, or comes to stand there, it is as young as the question.
   */
  async look(
    ask: () => Promise<TaskFacts>,
    system: { readonly now: number; readonly bootId: string | undefined },
  ): Promise<string | undefined> {
    // As of before the question: it may read on behind the end that is answered.
    const before = this.#meta
    const facts = await ask()
    return this.#do(async () => {
      const why = whyRestore(before, facts, system)
      if (why !== undefined) return why
      for (const [topic, { end }] of facts) this.#ends.set(topic, Math.max(end, this.#ends.get(topic) ?? 0))
      this.#lags = this.#goal !== undefined
      this.#goal ??= { ends: new Map([...facts].map(([topic, { end }]) => [topic, end])), askedAt: system.now }
      const meta = this.#atGoal(this.#meta)
      if (meta !== this.#meta) await this.#write(this.state.rolling.store.batch(), { ...meta, clean: false })
      return undefined
    })
  }

  get #meta(): StoreMeta {
    return this.state.rolling.meta
  }

  #atGoal(meta: StoreMeta): StoreMeta {
    const goal = this.#goal
    if (goal === undefined) return meta
    for (const [topic, end] of goal.ends) if ((meta.changelogs[topic]?.offset ?? 0) < end) return meta
    this.#goal = undefined
    this.#lags = false
    return { ...meta, appliedAt: goal.askedAt }
  }

  async #write(batch: StoreBatch, meta: StoreMeta): Promise<void> {
    batch.put(metaKey, JSON.stringify(meta))
    await batch.write({ sync: false })
    this.state.rolledForward(meta)
  }

  /** One after the other, since a store has one batch open at a time; undefined once it has ended. */
  #do<T>(work: () => Promise<T>): Promise<T | undefined> {
    const done = this.#work.then(() => (this.#ended ? undefined : work()))
    this.#work = done.catch(() => undefined)
    return done
  }
}
