import type { Admin } from 'kafkajs'
import { pause, wallClock } from './wall-clock.js'

const pollMs = 20

/** The group as its coordinator describes it. */
export interface GroupState {
  /** When it was asked for. */
  readonly askedAt: number
  readonly state: string
  readonly members: number
}

/** Asks the coordinator again and again how the group is, and keeps the answers that differ from the one before. */
export class GroupWatch {
  readonly #admin: Admin
  readonly #group: string
  readonly #watching: Promise<void>
  #stopped = false
  #last: GroupState | undefined
  readonly changes: (GroupState & { readonly stillAt: number })[] = []

  constructor(admin: Admin, group: string) {
    this.#admin = admin
    this.#group = group
    this.#watching = this.#watch()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#watching
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      const askedAt = wallClock()
      const { groups } = await this.#admin.describeGroups([this.#group])
      const state = groups[0]?.state ?? 'none'
      const members = groups[0]?.members.length ?? 0
      const last = this.#last
      if (last !== undefined && (last.state !== state || last.members !== members)) {
        this.changes.push({ askedAt, state, members, stillAt: last.askedAt })
      }
      this.#last = { askedAt, state, members }
      await pause(pollMs)
    }
  }
}
