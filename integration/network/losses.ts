import { apiKeys, type ApiName } from './apis.js'

/** `close`: lost, and the connection with it. `swallow`: lost on a connection that stays open. */
export type Fault = 'close' | 'swallow'
/** `request`: lost before a broker saw it. `answer`: lost after the broker acted. */
export type Way = 'request' | 'answer'

export interface LossOptions {
  readonly api: ApiName
  readonly way: Way
  /** @default 'close' */
  readonly fault?: Fault
  /** How many are lost, then no more. @default all */
  readonly count?: number
  /** Each so-and-so-manieth only. @default 1 */
  readonly every?: number
}

/** Frames of one kind that get lost; counts them. */
export class Loss {
  readonly #options: LossOptions
  #seen = 0
  #lost = 0

  constructor(options: LossOptions) {
    this.#options = options
  }

  /** How many have been lost so far. */
  get count(): number {
    return this.#lost
  }

  /** Asked about every frame. */
  takes(apiKey: number, way: Way): Fault | undefined {
    const { api, fault = 'close', count = Number.POSITIVE_INFINITY, every = 1 } = this.#options
    if (apiKey !== apiKeys[api] || way !== this.#options.way || this.#lost >= count) return undefined
    if (++this.#seen % every !== 0) return undefined
    this.#lost++
    return fault
  }
}
