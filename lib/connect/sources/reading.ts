import type { Logger } from '../../core/logger.js'
import { forget, isThenable, kindOf } from '../../core/record-checks.js'
import type { Json } from '../json.js'
import { givenBatch, type GivenBatch } from './batch-check.js'
import { placeOf, sourceFailed, type Setting } from './setting.js'

/** How long an iterator may take to end, and an acknowledgement to be made. */
const mostMs = 10_000

/**
 * An iteration of a connector, whose code may do anything: throw, give what is no batch, not end. `next` ends when the iteration is
 * halted, also while a batch is waited for, and what comes then is dropped.
 */
export class Reading {
  readonly #setting: Setting
  readonly #place: string
  readonly #logger: Logger
  readonly #abort = new AbortController()
  readonly #iterator: AsyncIterator<unknown>
  #giveUp: () => void = () => undefined
  #isHalted = false
  #closed: Promise<void> | undefined

  /** Opens it. Throws `SOURCE_FAILED`. */
  constructor(setting: Setting, partition: string, position: Json | undefined) {
    const { connector, source, logger } = setting
    this.#setting = setting
    this.#place = placeOf(setting, partition)
    this.#logger = logger
    const { signal } = this.#abort
    this.#iterator = this.#attempt('open failed', () =>
      iteratorOf(connector.open({ source, partition, position, signal, logger })),
    )
  }

  /** The next batch; undefined when the iteration has ended or was closed. Rejects with `SOURCE_FAILED`. */
  next(): Promise<GivenBatch | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#isHalted) return resolve(undefined)
      this.#giveUp = () => resolve(undefined)
      const failed = (cause: unknown): void => reject(sourceFailed(this.#place, 'reading failed', cause))
      try {
        Promise.resolve(this.#iterator.next()).then((result) => {
          try {
            resolve(this.#batchIn(result))
          } catch (error) {
            // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is what it is
            reject(error)
          }
        }, failed)
      } catch (error) {
        failed(error)
      }
    })
  }

  #batchIn(result: unknown): GivenBatch | undefined {
    if (typeof result !== 'object' || result === null)
      throw sourceFailed(this.#place, `next() of its iterator gave ${kindOf(result)}; it gives { done, value }`)
    const { done, value } = this.#attempt('reading failed', () => ({ ...(result as IteratorResult<unknown>) }))
    if (done === true) return undefined
    return givenBatch(this.#place, value, this.#setting.connector.delivery === 'replayable')
  }

  /** Acknowledges a batch. Rejects with `SOURCE_FAILED`. */
  async acknowledge({ ack }: Pick<GivenBatch, 'ack'>, refused: ReadonlyMap<number, string>): Promise<void> {
    if (ack === undefined) return
    let outcome: unknown
    try {
      outcome = ack(refused)
      if (!isThenable(outcome)) return
      if (await this.#inTime(outcome)) return
    } catch (cause) {
      throw sourceFailed(this.#place, 'ack failed', cause)
    }
    throw sourceFailed(this.#place, `ack did not end within ${mostMs} ms`)
  }

  /** Takes no more batches; those that it has given can still be acknowledged. */
  halt(): void {
    this.#isHalted = true
    this.#giveUp()
  }

  /** Ends it, and waits until it has. Never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.halt()
    this.#abort.abort()
    try {
      const ended: unknown = this.#iterator.return?.()
      if (!isThenable(ended) || (await this.#inTime(ended))) return
      const what = `${this.#place}: it did not end within ${mostMs} ms of its signal; another process may read it meanwhile`
      this.#logger.warn({ source: this.#setting.source }, what)
    } catch (error) {
      this.#logger.debug({ err: error }, `${this.#place}: ending it failed`)
    }
  }

  /** False when it takes too long; then nobody waits for it any more. */
  async #inTime(work: PromiseLike<unknown>): Promise<boolean> {
    forget(work)
    const done = new AbortController()
    const late = this.#setting.clock.sleep(mostMs, done.signal).then(() => false)
    try {
      return await Promise.race([Promise.resolve(work).then(() => true), late])
    } finally {
      done.abort()
    }
  }

  #attempt<T>(what: string, act: () => T): T {
    try {
      return act()
    } catch (cause) {
      throw sourceFailed(this.#place, what, cause)
    }
  }
}

function iteratorOf(opened: unknown): AsyncIterator<unknown> {
  const iterable = opened as AsyncIterable<unknown> | null | undefined
  if (typeof opened !== 'object' || iterable === null || typeof iterable?.[Symbol.asyncIterator] !== 'function')
    throw new TypeError(`it gave ${kindOf(opened)}; give an async iterable of batches`)
  const iterator: unknown = iterable[Symbol.asyncIterator]()
  if (typeof (iterator as Partial<AsyncIterator<unknown>> | null)?.next === 'function')
    return iterator as AsyncIterator<unknown>
  throw new TypeError('its iterator has no next()')
}
