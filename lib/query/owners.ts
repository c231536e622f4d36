import { MillraceError, reasonOf } from '../core/errors.js'
import type { Engine } from '../runtime/engine.js'
import { membersOf, type AppMember } from '../runtime/membership/members.js'
import type { Deadline } from './local/deadline.js'

/** Between two questions to the group's coordinator, whoever asks. */
const leastMs = 100
/** What is known for longer is asked for again, beside those who use it. */
const oldMs = 30_000

/**
 * Who has which tasks, as the consumer group of the app has assigned them: there is no other registry. Kept in memory; asked for
 * anew when this instance's own assignment has changed, when it has turned out to be wrong, and when it is old. Many who ask at once
 * share one question. In a round, and while brokers do not answer, what was known stays.
 */
export class Owners {
  readonly #engine: Engine
  #members: readonly AppMember[] = []
  #asking: Promise<void> | undefined
  #askedAt = -Infinity
  #generation: unknown
  #isWrong = true
  /** Why the group could not be asked last. */
  #trouble: unknown
  /** Questions asked. */
  asked = 0

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** It does not have what it was said to have, or cannot be reached: whoever asks next waits for a new answer. */
  wrong(): void {
    this.#isWrong = true
  }

  /** Whom a task was assigned to, also when that is this instance; undefined when nobody, as far as is known. */
  async of(task: number, deadline: Deadline): Promise<AppMember | undefined> {
    await this.#fresh(deadline)
    return this.#members.find(({ tasks }) => tasks.includes(task))
  }

  /** Those that keep a standby of a task, but for this instance. */
  async standbysOf(task: number, deadline: Deadline): Promise<readonly AppMember[]> {
    await this.#fresh(deadline)
    return this.#members.filter((member) => member.standbys.includes(task) && !this.isHere(member))
  }

  async all(deadline: Deadline): Promise<readonly AppMember[]> {
    await this.#fresh(deadline)
    return this.#members
  }

  isHere({ id }: AppMember): boolean {
    return id === this.#engine.generation?.memberId
  }

  /** Why nobody is known. */
  nobody(task: number): MillraceError {
    const why = this.#trouble === undefined ? '' : ` (the group cannot be asked: ${reasonOf(this.#trouble)})`
    const what = `no instance has task ${task} of app '${this.#engine.options.app}', as far as its group says${why}`
    return new MillraceError('OWNER_UNKNOWN', what, { partition: task, cause: this.#trouble })
  }

  async #fresh(deadline: Deadline): Promise<void> {
    const { generation } = this.#engine
    if (generation !== this.#generation) this.#isWrong = true
    if (!this.#isWrong && this.#age < oldMs) return
    const asked = this.#ask()
    if (this.#isWrong) await deadline.race(asked, () => this.#late()).catch(() => undefined)
  }

  #late(): MillraceError {
    return new MillraceError('OWNER_UNKNOWN', 'the coordinator of the group does not answer in time')
  }

  get #age(): number {
    return this.#engine.options.clock.elapsed() - this.#askedAt
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#askOnce().finally(() => (this.#asking = undefined))
    return this.#asking
  }

  async #askOnce(): Promise<void> {
    const { app, log, clock } = this.#engine.options
    if (this.#age < leastMs) await clock.sleep(leastMs - this.#age)
    const { generation } = this.#engine
    this.#askedAt = clock.elapsed()
    this.asked++
    try {
      const members = membersOf(await log.admin.describeGroup(app))
      this.#trouble = undefined
      if (members === undefined) return
      this.#members = members
      this.#generation = generation
      this.#isWrong = false
    } catch (error) {
      this.#trouble = error
    }
  }
}
