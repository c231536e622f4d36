import { systemClock } from '../core/clock.js'
import { silentLogger } from '../core/logger.js'
import { callback, checkOptions, required, whole, type Rules } from '../core/options.js'
import { demand, type ContractCheck } from './contract.js'
import type { Json } from './json.js'
import type { SourceBatch, SourceConnector, SourceRecord } from './source.js'

/** What a contract suite does its checks on. */
export interface SourceContractOptions {
  /**
   * A connector onto something that holds these values and nothing else, as text, in its only partition or all in its first one.
   * Called for each check; the outside is a new one each time.
   */
  readonly make: (values: readonly string[]) => Promise<ContractSource> | ContractSource
  /** How long it may take to give what it has, milliseconds. @default 10000 */
  readonly patienceMs?: number
}

export interface ContractSource {
  readonly connector: SourceConnector
  /** The text of a record that it gave. */
  readonly text: (record: SourceRecord) => string
  /** Lets go of the outside. */
  readonly close?: () => Promise<void> | void
}

const values = Array.from({ length: 25 }, (_, i) => `value ${i}`)

const rules: Rules<SourceContractOptions> = {
  make: required(callback('a function that sets up an outside with these values: (values) => ({ connector, text })')),
  patienceMs: whole(1),
}

/**
 * What every source connector must keep to, as checks for any test runner:
 * `for (const { name, run } of sourceContract({ make })) it(name, run)`. Throws `OPTIONS_INVALID`.
 */
export function sourceContract(options: SourceContractOptions): readonly ContractCheck[] {
  checkOptions('sourceContract', options, rules)
  const check = (name: string, act: (trial: Trial) => Promise<void>): ContractCheck => ({
    name,
    run: async () => {
      const trial = new Trial(await options.make(values), options.patienceMs ?? 10_000)
      try {
        await act(trial)
      } finally {
        await trial.end()
      }
    },
  })
  return [
    check(
      'gives all that there is, in order where it can begin again, and ends when its signal is aborted',
      async (trial) => {
        const given = await trial.read(undefined, values.length)
        trial.demand(
          trial.isReplayable ? same(given, values) : same([...given].sort(), [...values].sort()),
          `gave ${shown(given)}`,
        )
      },
    ),
    check('goes on behind each of its positions, which come back from JSON as they were', async (trial) => {
      if (!trial.isReplayable) return
      const batches = await trial.batches(undefined, values.length)
      let before = 0
      for (const { records, position } of batches) {
        before += records.length
        trial.demand(position !== undefined || records.length === 0, 'gave records without a position')
        if (position === undefined) continue
        const back = JSON.parse(JSON.stringify(position)) as Json
        trial.demand(JSON.stringify(back) === JSON.stringify(position), `gave a position without a JSON form`)
        const rest = await trial.read(back, values.length - before)
        trial.demand(same(rest, values.slice(before)), `gave ${shown(rest)} behind position ${JSON.stringify(back)}`)
      }
    }),
    check('gives again what was not acknowledged', async (trial) => {
      if (trial.delivery !== 'acknowledged') return
      await trial.read(undefined, 1)
      const again = await trial.read(undefined, values.length)
      trial.demand(same([...new Set(again)].sort(), [...values].sort()), `gave ${shown(again)} the second time`)
    }),
    check('gives nothing again that was acknowledged, nor loses what was not', async (trial) => {
      if (trial.delivery !== 'acknowledged') return
      const first = await trial.batches(undefined, 1, true)
      const acknowledged = first.flatMap(({ records }) => records.map(trial.text))
      const left = values.filter((value) => !acknowledged.includes(value))
      const rest = await trial.read(undefined, left.length)
      trial.demand(same([...new Set(rest)].sort(), left.sort()), `gave ${shown(rest)} behind ${shown(acknowledged)}`)
    }),
    check('gives records of which each has a value, bytes, or says what is wrong with it', async (trial) => {
      for (const { records } of await trial.batches(undefined, values.length))
        for (const { value, bytes, refused } of records)
          trial.demand(
            value !== undefined || bytes !== undefined || refused !== undefined,
            'gave a record without a value',
          )
    }),
  ]
}

/** One outside, and what is opened on it. */
class Trial {
  readonly text: (record: SourceRecord) => string
  readonly #source: ContractSource
  readonly #patienceMs: number

  constructor(source: ContractSource, patienceMs: number) {
    this.#source = source
    this.text = source.text
    this.#patienceMs = patienceMs
  }

  get delivery(): SourceConnector['delivery'] {
    return this.#source.connector.delivery
  }

  get isReplayable(): boolean {
    return this.delivery === 'replayable'
  }

  demand(holds: boolean, what: string): void {
    demand(holds, `the source connector '${this.#source.connector.kind}' ${what}`)
  }

  async read(position: Json | undefined, count: number): Promise<string[]> {
    return (await this.batches(position, count)).flatMap(({ records }) => records.map(this.text))
  }

  /** Opens it, takes batches until there are so many records, and ends it. */
  async batches(position: Json | undefined, count: number, acknowledges = false): Promise<SourceBatch[]> {
    const { connector } = this.#source
    const abort = new AbortController()
    const [partition = '0'] = connector.partitions ?? []
    const opened = connector.open({
      source: 'contract',
      partition,
      position,
      signal: abort.signal,
      logger: silentLogger,
    })
    const iterator = opened[Symbol.asyncIterator]()
    const taken: SourceBatch[] = []
    let pending: Promise<IteratorResult<SourceBatch>> | undefined
    for (let found = 0; found < count;) {
      const { done, value } = await this.#inTime(iterator.next(), `gave ${found} of ${count} records`)
      this.demand(done !== true, `ended with ${found} of ${count} records`)
      taken.push(value)
      found += value.records.length
      if (acknowledges) await value.ack?.(new Map())
    }
    // It is asked for more when it is told to end, as it will be.
    if (!acknowledges && taken.length > 0) pending = Promise.resolve(iterator.next())
    pending?.catch(() => undefined)
    await systemClock.breathe()
    abort.abort()
    await this.#inTime(Promise.resolve(iterator.return?.()), 'did not end when its signal was aborted')
    await this.#inTime(Promise.allSettled([pending]), 'did not end when its signal was aborted')
    return taken
  }

  async end(): Promise<void> {
    await this.#source.close?.()
  }

  async #inTime<T>(work: Promise<T>, otherwise: string): Promise<T> {
    const done = new AbortController()
    const what = `${otherwise} within ${this.#patienceMs} ms`
    const late = systemClock.sleep(this.#patienceMs, done.signal).then(() => this.demand(done.signal.aborted, what))
    try {
      return (await Promise.race([work, late])) as T
    } finally {
      done.abort()
    }
  }
}

const same = (one: readonly string[], other: readonly string[]): boolean =>
  JSON.stringify(one) === JSON.stringify(other)
const shown = (texts: readonly string[]): string => JSON.stringify(texts).slice(0, 500)
