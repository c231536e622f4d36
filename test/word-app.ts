import { z } from 'zod'
import { text } from '../lib/codec/codec.js'
import { systemClock } from '../lib/core/clock.js'
import type { MemoryLog } from '../lib/memory/memory-log.js'
import { stateObject } from '../lib/model/state-object.js'
import { topic, type Topic } from '../lib/model/stream.js'
import { changelogTopic } from '../lib/model/names.js'
import type { Engine } from '../lib/runtime/engine.js'
import { CommittedState } from '../lib/runtime/state-reader.js'

/** An input: the `seq`-th of its word in its lane; a lane is a record key, so it has one partition. */
export interface Word {
  readonly word: string
  readonly lane: string
  readonly seq: number
  readonly drop: boolean
}

const shape = z.object({ word: z.string(), lane: z.string(), seq: z.number(), drop: z.boolean() })
const count = z.object({ count: z.number() })

export const app = 'words'
export const inputs = topic('inputs', shape)
/** One per turn. */
export const seen = topic('seen', shape.extend({ count: z.number() }))
export const rows = topic('rows', count)
export const copies = topic('copies', text())

/** The part of the turns that fail when all is done, or take a while; those that fail are tried again. Set it before a run. */
export const trouble = { share: 0 }

/** Words hop unless their lane lies in their partition; `drop` deletes. */
export const words = stateObject('word', { state: count, init: () => ({ count: 0 }) })
  .on(inputs, { key: ({ word }) => word, onError: { attempts: 1_000, backoff: 1 } }, (state, value, turn) => {
    const take = (): void => {
      state.count++
      turn.emit(seen, { ...value, count: state.count })
      if (value.drop) turn.delete()
    }
    const fate = trouble.share === 0 ? 1 : Math.random() / trouble.share
    if (fate < 0.5) return later(state, take, fate)
    take()
    if (fate < 1) throw new Error('trouble')
    return undefined
  })
  .publish(rows, (state) => state)
const halfChanged = 1_000_000

/** Ends at once, or behind some commits; what it leaves in the state until then must never be seen. */
async function later(state: { count: number }, take: () => void, fate: number): Promise<void> {
  state.count += halfChanged
  if (fate < 0.25) await new Promise((resolve) => setImmediate(resolve))
  else await systemClock.sleep(fate * 50)
  state.count -= halfChanged
  take()
  if (fate > 0.45) throw new Error('trouble, late')
}

export const flows = [inputs.map(({ word, lane, seq }) => `${word} ${lane} ${seq}`).to(copies)]

/** What was sent, and what must therefore come out. */
export class Sent {
  readonly #log: MemoryLog
  readonly #counts = new Map<string, number>()
  #all: Word[] = []

  constructor(log: MemoryLog) {
    this.#log = log
  }

  async send(
    wanted: readonly { readonly word: string; readonly lane: string; readonly drop: boolean }[],
  ): Promise<void> {
    const values = wanted.map(({ word, lane, drop }): Word => {
      const seq = (this.#counts.get(`${word} ${lane}`) ?? 0) + 1
      this.#counts.set(`${word} ${lane}`, seq)
      return { word, lane, seq, drop }
    })
    this.#all.push(...values)
    await this.#log.send(inputs, values, { key: ({ lane }) => lane })
  }

  /** What is not as it should be, as sentences; `state` is what the instances hold. */
  async faults(state: ReadonlyMap<string, unknown>): Promise<readonly string[]> {
    const faults: string[] = []
    const expect = (what: string, is: unknown, wanted: unknown): void => {
      if (JSON.stringify(is) !== JSON.stringify(wanted))
        faults.push(`${what} is ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}`)
    }
    const folded = await this.#foldOfTurns(expect)
    const live = [...folded].filter(([, value]) => value !== null).sort(byKey)
    expect('state', [...state].sort(byKey), live)
    expect(
      'the changelog',
      [...(await latest(this.#log, { name: changelogTopic(app, 'word'), codec: rows.codec }))].sort(byKey),
      [...folded].sort(byKey),
    )
    expect('the published topic', [...(await latest(this.#log, rows))].sort(byKey), [...folded].sort(byKey))
    const copied = (await all(this.#log, copies)).map(({ value }) => value).sort()
    expect('the flow', copied, this.#all.map(({ word, lane, seq }) => `${word} ${lane} ${seq}`).sort())
    return faults
  }

  /** Walks the turns in the order of the log: every input once, in the order of its lane, on the state the last turn left. */
  async #foldOfTurns(
    expect: (what: string, is: unknown, wanted: unknown) => void,
  ): Promise<ReadonlyMap<string, { count: number } | null>> {
    const state = new Map<string, { count: number } | null>()
    const seqs = new Map<string, number>()
    for (const { value } of await all(this.#log, seen)) {
      const { word, lane, seq, drop, count: counted } = value as Word & { count: number }
      const at = `${word} ${lane}`
      expect(`the turn after ${at} ${seqs.get(at)}`, seq, (seqs.get(at) ?? 0) + 1)
      seqs.set(at, seq)
      const wanted = (state.get(word)?.count ?? 0) + 1
      expect(`the count of ${at} ${seq}`, counted, wanted)
      state.set(word, drop ? null : { count: wanted })
    }
    expect('the number of turns', [...seqs].sort(byKey), [...this.#counts].sort(byKey))
    return state
  }
}

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number => (a[0] < b[0] ? -1 : 1)

async function all<V>(
  log: MemoryLog,
  from: Pick<Topic<V>, 'name' | 'codec'>,
): Promise<{ key: string | null; value: V | null }[]> {
  const found = []
  for await (const { key, value } of log.read(from)) found.push({ key, value })
  return found
}

/** As after compaction, tombstones included. */
async function latest<V>(log: MemoryLog, from: Pick<Topic<V>, 'name' | 'codec'>): Promise<Map<string, V | null>> {
  return new Map((await all(log, from)).map(({ key, value }) => [key ?? '', value]))
}

/** What instances hold, as committed. Throws when two of them hold the same object. */
export async function stateOf(engines: Iterable<Engine>): Promise<ReadonlyMap<string, unknown>> {
  const found = new Map<string, unknown>()
  for (const engine of engines) {
    for await (const [key, state] of new CommittedState(engine, words).entries()) {
      if (found.has(key)) throw new Error(`'${key}' is in two instances`)
      found.set(key, state)
    }
  }
  return found
}
