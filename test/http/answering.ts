import { systemClock, type Clock } from '../../lib/core/clock.js'
import { silentLogger, type Logger } from '../../lib/core/logger.js'
import { HttpServer } from '../../lib/http/node/http-server.js'
import type { ListenerLimits } from '../../lib/http/node/listener.js'
import { resolveHttp, type HttpOptions } from '../../lib/http/options.js'
import type { Route } from '../../lib/http/route.js'

interface AnsweringOptions {
  readonly clock?: Clock
  readonly logger?: Logger
  readonly limits?: ListenerLimits
}

/** Routes as an app answers them; listens when there is a port. */
export function answering(
  routes: readonly Route[],
  http: HttpOptions = {},
  { clock = systemClock, logger = silentLogger, limits }: AnsweringOptions = {},
): HttpServer {
  return new HttpServer({ http: resolveHttp(http), routes: () => routes, clock, logger, limits })
}

/** As somebody on this machine asks. */
export const near = { remoteAddress: '127.0.0.1' }

/** A clock on which sleeping ends when it is told to, and that says who sleeps. */
export class HeldClock {
  readonly #sleepers = new Set<{ readonly ms: number; readonly wake: () => void }>()
  #fallsAsleep: () => void = () => undefined
  readonly clock: Clock = {
    ...systemClock,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = { ms, wake: resolve }
        this.#sleepers.add(sleeper)
        signal?.addEventListener('abort', () => {
          this.#sleepers.delete(sleeper)
          resolve()
        })
        this.#fallsAsleep()
      }),
  }

  /** Resolves when somebody sleeps for so long. */
  async asleep(ms: number): Promise<void> {
    while (![...this.#sleepers].some((each) => each.ms === ms))
      await new Promise<void>((resolve) => (this.#fallsAsleep = resolve))
  }

  wake(ms: number): void {
    for (const sleeper of this.#sleepers) if (sleeper.ms === ms) sleeper.wake()
  }
}
