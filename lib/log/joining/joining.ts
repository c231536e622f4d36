import { unlessAborted, type Clock } from '../../core/clock.js'
import { reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import { hasEnded, type ProcessFacts } from './process-facts.js'
import type { JoinOptions, LogPort, Membership } from '../port.js'
import { entryOf, nameOf, tellingOf, type Entry } from './entry.js'

export interface JoiningOptions {
  readonly log: LogPort
  /** What joins, for messages: `app 'shop'`. */
  readonly who: string
  /** Of this process; undefined: neither is anything told of it, nor is anybody taken out of the group. */
  readonly process: ProcessFacts | undefined
  /** Members that only seem to be dead, and dead ones with an instance id, are not waited for either. */
  readonly development: boolean
  readonly clock: Clock
  readonly logger: Logger
}

const lookMs = 1_000

/**
 * Joins a group, in which members that were killed are waited for until their sessions end. Those that have certainly ended, on this
 * machine, it takes out; who else is waited for, it says. See docs/decisions/0024.
 */
export class Joining {
  readonly #options: JoiningOptions
  /** Who was there before, and what they told then: in a round nobody says that. */
  #before: readonly Entry[] = []
  #hasTold = false
  #isOver = false
  /** For whom it waits, and what to do about it; undefined as long as that does not take long. */
  awaited: string | undefined

  constructor(options: JoiningOptions) {
    this.#options = options
  }

  /** As `log.join`. What is told must be a JSON object. */
  async join(options: JoinOptions): Promise<Membership> {
    const { log, process, clock } = this.#options
    if (process === undefined) return log.join(options)
    await unlessAborted(this.#prepare(options), options.signal)
    const stop = clock.every(lookMs, () => void this.#look(options))
    try {
      return await log.join({ ...options, tell: () => tellingOf(options.tell(), process) })
    } finally {
      stop()
      this.#isOver = true
      this.awaited = undefined
    }
  }

  /** What goes wrong here is no reason not to join. */
  async #prepare(options: JoinOptions): Promise<void> {
    try {
      const { members } = await this.#options.log.admin.describeGroup(options.group)
      this.#before = members.map(entryOf)
      await this.#removeDead(options)
    } catch (error) {
      this.#options.logger.debug({ err: error }, `who is in group '${options.group}' is not known: ${reasonOf(error)}`)
    }
  }

  async #look(options: JoinOptions): Promise<void> {
    try {
      const { members } = await this.#options.log.admin.describeGroup(options.group)
      const present = new Set(members.map(({ id }) => id))
      this.#before = this.#before.filter(({ id }) => present.has(id))
      if (!this.#isOver) await this.#removeDead(options)
      if (!this.#isOver) this.#tell(options)
    } catch (error) {
      this.#options.logger.debug({ err: error }, `who is in group '${options.group}' is not known: ${reasonOf(error)}`)
    }
  }

  async #removeDead(options: JoinOptions): Promise<void> {
    const { log, logger } = this.#options
    const { group } = options
    const dead = this.#before.filter((entry) => this.#isDead(entry, options.instanceId))
    this.#before = this.#before.filter((entry) => !dead.includes(entry))
    for (const entry of dead) {
      if (!(await log.admin.removeMember(group, entry))) continue
      const what = `${nameOf(entry)} of group '${group}' has ended without leaving it: it is taken out, and its session is not waited for`
      logger.info({ group, member: entry.id }, what)
    }
  }

  /** A member with an instance id is kept its place: who comes back under it finds its tasks. So does this one itself. */
  #isDead({ facts, instanceId }: Entry, own: string | undefined): boolean {
    const { process, development } = this.#options
    if (facts === undefined || process === undefined) return false
    if (instanceId !== undefined && (!development || instanceId === own)) return false
    const end = hasEnded(facts, process)
    return end === 'certainly' || (end === 'apparently' && development)
  }

  #tell({ group, sessionTimeoutMs, instanceId }: JoinOptions): void {
    const { who, logger } = this.#options
    // Its own place, of its last life, is not in its way.
    const others = this.#before.filter((entry) => entry.instanceId === undefined || entry.instanceId !== instanceId)
    if (others.length === 0) return void (this.awaited = undefined)
    const names = others.slice(0, 5).map(nameOf).join(', ')
    const more = others.length > 5 ? ` and ${others.length - 5} more` : ''
    const what = `${who} waits to join group '${group}', until all members have joined anew that it has: ${names}${more}`
    const how = `One that was killed is waited for until its session ends, ${sessionTimeoutMs / 1_000} s after it was last heard of (sessionTimeout)`
    const todo =
      'Not waited for are processes that were stopped with close(), as app.run() does on SIGTERM, those that come back with the same instanceId, and with development: true those that ended on this machine'
    this.awaited = `${what}. ${how}. ${todo}`
    if (!this.#hasTold) logger.warn({ group, members: others.map(({ id }) => id) }, `${this.awaited}.`)
    this.#hasTold = true
  }
}
