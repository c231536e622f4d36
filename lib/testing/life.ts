import { systemClock, type Clock } from '../core/clock.js'
import type { CommitChannel, LogPort, Membership } from '../log/port.js'
import type { Store, StoreBatch, StoreFolder } from '../store/store.js'

/**
 * Where a process can die. `turn`: turns have run, nothing of them was sent; `before-end`: everything was sent, the
 * transaction is still open; `after-end`: it is committed, and the process never hears of it; `before-store`: it knows,
 * and the local store was not written.
 */
export type CrashStep = 'turn' | 'before-end' | 'after-end' | 'before-store'

export const crashSteps: readonly CrashStep[] = ['turn', 'before-end', 'after-end', 'before-store']

const never = new Promise<never>(() => undefined)

/**
 * One life of a process. After its death nothing that it waits for ever comes, as after `kill -9`: what it did until then
 * stays, and it does nothing more.
 */
export class Life {
  readonly death: Promise<void>
  #alive = true
  #crashAt: CrashStep | undefined
  #died = (): void => undefined
  readonly #timers: (() => void)[] = []
  #membership: Membership | undefined

  constructor() {
    this.death = new Promise((resolve) => (this.#died = resolve))
  }

  /** Dies when it comes to this step next; with undefined it lives on. */
  arm(step: CrashStep | undefined): void {
    this.#crashAt = step
  }

  /** Dies now. Its group notices at once, as after the session time-out; its open transaction stays open. */
  async die(): Promise<void> {
    if (!this.#alive) return
    this.#alive = false
    for (const stop of this.#timers) stop()
    await this.#membership?.leave()
    this.#died()
  }

  /** What a promise gives, unless the process is dead by then. */
  only<T>(promise: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.#alive && resolve(value),
        (error: unknown) => this.#alive && reject(error),
      )
    })
  }

  async #reach(step: CrashStep): Promise<void> {
    if (!this.#alive) return never
    if (this.#crashAt !== step) return
    void this.die()
    return never
  }

  clock(now: () => number, clock = systemClock): Clock {
    return {
      now,
      elapsed: () => clock.elapsed(),
      sleep: (ms, signal) => this.only(clock.sleep(ms, signal)),
      breathe: () => this.only(clock.breathe()),
      every: (ms, tick) => {
        const stop = clock.every(ms, tick)
        this.#timers.push(stop)
        return stop
      },
    }
  }

  log(log: LogPort): LogPort {
    return {
      kind: log.kind,
      get trouble() {
        return log.trouble
      },
      admin: this.#mortal(log.admin),
      fetcher: (options) => this.#mortal(log.fetcher(options)),
      join: async (options) => {
        this.#membership = await log.join(options)
        return this.only(Promise.resolve(this.#membership))
      },
      transactions: async (options) => this.#channel(await this.only(log.transactions(options))),
      idempotent: async () => this.#channel(await this.only(log.idempotent())),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }

  folder(folder: StoreFolder): StoreFolder {
    const mortal = this.#mortal(folder)
    const open = async (...args: Parameters<StoreFolder['open']>): Promise<Store> =>
      this.#store(await mortal.open(...args))
    return new Proxy(mortal, { get: (target, name) => (name === 'open' ? open : bound(target, name)) })
  }

  #channel(channel: CommitChannel): CommitChannel {
    return {
      id: channel.id,
      begin: async (...args) => {
        await this.#reach('turn')
        return this.only(channel.begin(...args))
      },
      append: (...args) => this.only(channel.append(...args)),
      offsets: (...args) => this.only(channel.offsets(...args)),
      commit: async () => {
        await this.#reach('before-end')
        await this.only(channel.commit())
        return this.#reach('after-end')
      },
      abort: () => this.only(channel.abort()),
      [Symbol.asyncDispose]: () => this.only(channel[Symbol.asyncDispose]()),
    }
  }

  #store(store: Store): Store {
    const batch = (): StoreBatch => {
      const inner = store.batch()
      return {
        put: (key, value) => inner.put(key, value),
        del: (key) => inner.del(key),
        write: async (options) => {
          await this.#reach('before-store')
          return this.only(inner.write(options))
        },
      }
    }
    return new Proxy(store, { get: (target, name) => (name === 'batch' ? batch : bound(target, name)) })
  }

  /** The same object, whose promises do not outlive this life. */
  #mortal<T extends object>(object: T): T {
    return new Proxy(object, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(member, target, args)
          return result instanceof Promise ? this.only(result) : result
        }
      },
    })
  }
}

function bound(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name)
  return typeof member === 'function' ? (member.bind(target) as unknown) : member
}
