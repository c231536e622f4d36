import type { Clock } from '../../core/clock.js'
import { reasonOf } from '../../core/errors.js'
import type { Engine } from '../../runtime/engine.js'
import { membersOf, type AppMember } from '../../runtime/membership/members.js'
import { askOver, type Asking } from './asking.js'
import type { Missing } from './shapes.js'

/** So long what is known of the group is not asked for again. */
const freshMs = 1_000
/** How long brokers may take to say who is in the group, before what was known is good enough. */
const patienceMs = 3_000

/** Who is in the group, as far as it is known. */
export interface Group {
  readonly state: string
  readonly members: readonly AppMember[]
}

export interface PeersOptions {
  readonly engine: Engine
  readonly clock: Clock
  /** What other instances demand of those who ask them. */
  readonly token: string | undefined
}

/** The other instances of the app: who they are, and what they answer. */
export class Peers {
  readonly #options: PeersOptions
  #known: Group = { state: 'unknown', members: [] }
  #askedAt = -Infinity
  #asking: Promise<void> | undefined

  constructor(options: PeersOptions) {
    this.#options = options
  }

  get #own(): string {
    return this.#options.engine.options.instance
  }

  /** Never rejects: while brokers do not answer it is what was known before. */
  async group(): Promise<Group> {
    const { clock } = this.#options
    if (clock.elapsed() - this.#askedAt >= freshMs)
      this.#asking ??= this.#ask().finally(() => (this.#asking = undefined))
    if (this.#asking !== undefined) {
      const inTime = new AbortController()
      await Promise.race([this.#asking, clock.sleep(patienceMs, inTime.signal)])
      inTime.abort()
    }
    return this.#known
  }

  async #ask(): Promise<void> {
    const { engine, clock } = this.#options
    const { app, log } = engine.options
    try {
      const info = await log.admin.describeGroup(app)
      this.#known = { state: info.state, members: membersOf(info) ?? this.#known.members }
    } catch {
      this.#known = { ...this.#known, state: 'unknown' }
    }
    this.#askedAt = clock.elapsed()
  }

  /** All but this one. */
  async others(): Promise<readonly AppMember[]> {
    const { members } = await this.group()
    return members.filter(({ instance }) => instance !== this.#own)
  }

  /** Who was assigned a task; undefined when nobody is known to have it, or it is this one. */
  async ownerOf(task: number): Promise<AppMember | undefined> {
    return (await this.others()).find(({ tasks }) => tasks.includes(task))
  }

  /** What an instance answers, as JSON. Rejects with what its error says, and with why there is no answer. */
  ask(member: AppMember, asking: Asking): Promise<unknown> {
    const { instance, http } = member
    if (http === undefined)
      return Promise.reject(new Error('it has no HTTP listener: give it one with createApp({ http })'))
    return askOver({ instance, http }, asking, this.#options.token)
  }

  /** The answers of all others that `usable` accepts, and who has not given one. */
  async askAll<T>(
    asking: Asking,
    usable: (answer: unknown) => answer is T,
  ): Promise<{ readonly answers: readonly T[]; readonly missing: readonly Missing[] }> {
    const answers: T[] = []
    const missing: Missing[] = []
    const ask = async (member: AppMember): Promise<void> => {
      try {
        const answer = await this.ask(member, asking)
        if (usable(answer)) answers.push(answer)
        else
          missing.push({
            instance: member.instance,
            why: 'its answer has no form that is known here: it may be of another version',
          })
      } catch (error) {
        missing.push({ instance: member.instance, why: reasonOf(error) })
      }
    }
    await Promise.all((await this.others()).map(ask))
    return { answers, missing }
  }
}
