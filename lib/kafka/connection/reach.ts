import type { Clock } from '../../core/clock.js'

/** So long nothing is said: a broker that restarts, or loses a leader, is back sooner. */
const patienceMs = 2_000
/** A broker that nobody has asked for so long is not missed; another has taken its part. */
const forgetMs = 5_000

/** What is known of one broker, over all connections to it. */
interface Contact {
  answeredAt: number
  /** Since the last answer. */
  failingSince: number | undefined
  failedAt: number
  reason: string
  /** When the answers to what is under way are due. */
  readonly due: Set<{ readonly at: number }>
}

/** A request under way; one of these is called once. */
export interface Asked {
  answered(): void
  failed(reason: string): void
  /** It came to nothing for a reason of our own. */
  dropped(): void
}

/** Whether the brokers answer, from what becomes of all requests of a log: so that an app can say why it stands still. */
export class Reach {
  readonly #clock: Clock
  readonly #contacts = new Map<string, Contact>()
  /** Whether any broker has ever answered: until then being refused, or closed on, may follow from wrong options. */
  accepted = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A request is sent; `blocksMs` is how long the broker may take by the nature of the request. */
  asking(broker: string, blocksMs: number): Asked {
    const now = this.#clock.elapsed()
    const contact = this.#contact(broker, now)
    const waiting = { at: now + blocksMs }
    contact.due.add(waiting)
    return {
      answered: () => {
        this.accepted = true
        contact.due.delete(waiting)
        contact.answeredAt = this.#clock.elapsed()
        contact.failingSince = undefined
      },
      failed: (reason) => {
        contact.due.delete(waiting)
        contact.failedAt = this.#clock.elapsed()
        contact.failingSince ??= Math.min(contact.failedAt, Math.max(waiting.at, contact.answeredAt))
        contact.reason = reason
      },
      dropped: () => contact.due.delete(waiting),
    }
  }

  /** These are the brokers of the cluster now, as one of them says: others are not missed. */
  are(brokers: ReadonlySet<string>): void {
    for (const [broker, contact] of this.#contacts) {
      if (!brokers.has(broker) && contact.due.size === 0) this.#contacts.delete(broker)
    }
  }

  /** Which brokers have not answered for at least two seconds, and what happened last; undefined while all do that are asked. */
  get trouble(): string | undefined {
    const now = this.#clock.elapsed()
    const silent = [...this.#contacts].flatMap(([broker, contact]) => {
      const since = silentSince(contact, now)
      return since === undefined ? [] : [{ broker, since, reason: contact.reason }]
    })
    if (silent.length === 0) return undefined
    const names = silent.map(({ broker }) => broker).join(', ')
    const seconds = Math.round((now - Math.min(...silent.map(({ since }) => since))) / 1_000)
    const reason = silent.findLast((one) => one.reason !== '')?.reason ?? 'no answer and no error'
    return `no answer from ${silent.length === 1 ? 'broker' : 'brokers'} ${names} for ${seconds} s (${reason})`
  }

  #contact(broker: string, now: number): Contact {
    const known = this.#contacts.get(broker)
    if (known !== undefined) return known
    const made = { answeredAt: now, failingSince: undefined, failedAt: now, reason: '', due: new Set<{ at: number }>() }
    this.#contacts.set(broker, made)
    return made
  }
}

/** Since when a broker owes an answer, if that is long enough to speak of. */
function silentSince({ answeredAt, failingSince, failedAt, due }: Contact, now: number): number | undefined {
  let since = now
  if (failingSince !== undefined && now - failedAt < forgetMs) since = failingSince
  for (const { at } of due) since = Math.min(since, Math.max(at, answeredAt))
  return now - since >= patienceMs ? since : undefined
}
