import { z } from 'zod'
import { Instance } from './instances.js'
import { listeningLogger, readAll, type Read } from './reading.js'
import { refusingLog, type Appended, type RefusingOptions } from './refusing-log.js'
import { text } from '../lib/codec/codec.js'
import { memoryLog, type MemoryLog } from '../lib/memory/memory-log.js'
import type { InputOptions } from '../lib/model/inputs.js'
import { stateObject, type Handler } from '../lib/model/state-object.js'
import { topic, type Flow, type Stream } from '../lib/model/stream.js'
import { drained } from '../lib/runtime/drain.js'
import { CommittedState } from '../lib/runtime/state-reader.js'

/** Lines are `<key> <what>`. */
export const lines = topic('lines', text())
export const strict = topic('lines', text(), { onInvalid: 'stop' })
export const loose = topic('lines', text(), { onInvalid: 'skip' })
export const out = topic('out', text())
export const copies = topic('copies', text())
export const rows = topic('rows', z.object({ seen: z.array(z.string()) }))
const letters = topic('app-dlq', text())

interface Seen {
  seen: string[]
}
export const shape = { state: z.object({ seen: z.array(z.string()) }), init: (): Seen => ({ seen: [] }) }
export const key = (line: string): string => line.split(' ')[0] as string

/** What is refused: all that has `poison` in it and goes to one of these topics. */
export const poisonFor =
  (...names: readonly string[]) =>
  ({ topic: name, value }: Appended): boolean =>
    names.includes(name) && value?.includes('poison') === true

type Notes = ReturnType<typeof notes>
/** Keeps the lines of a key, and does more. */
export function notes(
  more: Handler<Seen, string> = () => undefined,
  input: Omit<InputOptions<string>, 'key'> = {},
  from: Stream<string> = lines,
) {
  return stateObject('notes', shape).on(from, { key, ...input }, (state, line, turn) => {
    state.seen.push(line)
    return more(state, line, turn)
  })
}

export const other = stateObject('other', shape).on(
  lines,
  { key },
  (state, line) => void state.seen.push(line),
) as never as Notes

export const emits: Handler<Seen, string> = (_state, line, turn) => turn.emit(out, line)

export interface World extends RefusingOptions {
  readonly objects?: readonly Notes[]
  readonly flows?: readonly Flow[]
  readonly refuses: (record: Appended) => boolean
  readonly partitions?: number
  readonly guarantee?: 'exactly-once' | 'at-least-once'
  readonly commitIntervalMs?: number
  readonly log?: MemoryLog
}

interface Ran {
  readonly state: Readonly<Record<string, readonly string[]>>
  readonly out: readonly (string | null)[]
  readonly rows: readonly Read<Seen>[]
  readonly letters: readonly Read<string>[]
  readonly warnings: readonly string[]
  readonly stats: Instance['engine']['stats']
}

/** All that an app came to that has processed these lines. Throws what stopped it. */
export async function run(input: readonly string[], world: World): Promise<Ran> {
  const { objects = [], flows = [], refuses, partitions = 1, ...more } = world
  const { guarantee = 'exactly-once', commitIntervalMs = 10 } = more
  const log = world.log ?? memoryLog({ partitions })
  const logger = listeningLogger()
  const wrap = (port: Parameters<typeof refusingLog>[0]) => refusingLog(port, refuses, more)
  const instance = new Instance({
    app: 'app',
    log,
    objects,
    flows,
    logger,
    wrap,
    engine: { guarantee, commitIntervalMs },
  })
  const { engine } = instance
  try {
    await log.send(lines, input, { key })
    await engine.start()
    await drained(engine)
    const state: Record<string, readonly string[]> = {}
    for (const kind of objects)
      for await (const [name, value] of new CommittedState(engine, kind).entries())
        state[name] = (value as unknown as Seen).seen
    const made = new Set(await log.admin.list(''))
    const emitted = made.has('out') ? (await readAll(log, out)).map(({ value }) => value) : []
    const published = made.has('rows') ? await readAll(log, rows) : []
    const { warnings } = logger
    return { state, out: emitted, rows: published, letters: await readAll(log, letters), warnings, stats: engine.stats }
  } finally {
    await engine.stop(1_000)
  }
}

export const many = (count: number, of: string, name = 'k'): string[] =>
  Array.from({ length: count }, (_, i) => `${name} ${of}${i}`)
export const poisonAt = (count: number, ...places: readonly number[]): string[] =>
  many(count, '').map((line, i) => (places.includes(i) ? `${line} poison` : line))
export const good = (input: readonly string[]): string[] => input.filter((line) => !line.includes('poison'))
export const bad = (input: readonly string[]): string[] => input.filter((line) => line.includes('poison'))
export const valuesOf = (read: readonly Read<string>[]): (string | null)[] => read.map(({ value }) => value)

export const input = poisonAt(120, 0, 17, 18, 119)
/** The same, each of an object of its own. */
export const apart = input.map((line, i) => line.replace('k', `k${i}`))
