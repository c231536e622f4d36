import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, stateObject, text, topic, type EmitOptions } from 'millrace'
import { z } from 'zod'
import type { LogClient } from '../../lib/log/client/client.js'
import type { LogPort } from '../../lib/log/port.js'
import { silentLogger } from '../../lib/core/logger.js'
import { readAll } from '../reading.js'

/** A log that refuses by itself what a case makes of `bad` lines. */
export interface RefusingBroker {
  readonly log: LogPort & LogClient
  readonly name: (prefix: string) => string
  readonly configure: (topic: string, configs: Readonly<Record<string, string>>) => Promise<void>
}

interface Case {
  readonly configs: Readonly<Record<string, string>>
  readonly how: 'turn' | 'hop' | 'flow' | 'row'
  /** Once lines have been processed. */
  readonly later?: Readonly<Record<string, string>>
  readonly code: 'RECORDS_REFUSED' | 'RECORD_TOO_LARGE' | 'RECORD_INVALID'
}

const hour = 3_600_000
const timely = { 'message.timestamp.after.max.ms': String(hour) }
const wide = { 'message.timestamp.after.max.ms': String(3 * hour) }

const compacted: Case = { configs: { 'cleanup.policy': 'compact' }, how: 'turn', code: 'RECORDS_REFUSED' }
const ahead: Case = { configs: timely, how: 'turn', code: 'RECORD_INVALID' }
const narrowed: Case = { configs: wide, later: timely, how: 'turn', code: 'RECORDS_REFUSED' }
const lowered: Case = { configs: {}, later: { 'max.message.bytes': '2000' }, how: 'turn', code: 'RECORD_TOO_LARGE' }

export const cases: readonly (readonly [string, Case])[] = [
  ['no key for a compacted topic, from a turn', compacted],
  ['no key for a compacted topic, from a turn after a hop', { ...compacted, how: 'hop' }],
  ['no key for a compacted topic, from a flow', { ...compacted, how: 'flow' }],
  ['a timestamp two hours ahead, from a turn', ahead],
  ['a timestamp two hours ahead, from a turn after a hop', { ...ahead, how: 'hop' }],
  ['a timestamp above a limit that was lowered, from a turn', narrowed],
  ['a timestamp above a limit that was lowered, from a turn after a hop', { ...narrowed, how: 'hop' }],
  ['a value above a limit that was lowered, from a turn', lowered],
  ['a value above a limit that was lowered, from a turn after a hop', { ...lowered, how: 'hop' }],
  ['a value above a limit that was lowered, from a flow', { ...lowered, how: 'flow' }],
  ['a row above a limit that was lowered', { ...lowered, how: 'row' }],
]

/** Lines `<key> <n>`, each with a key of its own; bad ones are long. */
const lineOf = (n: number): string => (bad.has(n) ? `k${n} ${n} `.padEnd(2_500, 'x') : `k${n} ${n}`)
const bad: ReadonlySet<number> = new Set([57, 58, 222])
const isBad = (line: string): boolean => line.length > 1_000
const keyOf = (line: string): string => line.split(' ')[0] as string
const linesFrom = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => lineOf(from + i))

/** What has come of all lines, in order, and cut. */
export interface Outcome {
  readonly out: readonly string[]
  readonly letters: readonly string[]
  readonly codes: readonly (string | undefined)[]
  /** In the state of objects; none in a flow. */
  readonly kept: readonly string[]
  readonly isReady: boolean
}

const short = (of: readonly (string | null)[]): string[] =>
  of.map((line) => `${line?.slice(0, 9)} ${line?.length}`).sort()

/** All others take effect, each bad one is a dead letter once with its bytes, and the app runs on. */
export function expectedOf({ how, code }: Case): Outcome {
  const lines = linesFrom(0, 340)
  const good = short(lines.filter((line) => !isBad(line)))
  return {
    out: good,
    letters: short(lines.filter(isBad)),
    codes: [code],
    kept: how === 'flow' ? [] : good,
    isReady: true,
  }
}

/** Sends lines of which some lead to what the broker refuses. */
export async function outcomeOf(broker: RefusingBroker, { configs, how, later }: Case): Promise<Outcome> {
  const { log } = broker
  const id = broker.name('refused')
  const lines = topic(`${id}-lines`, text(), { partitions: 2 })
  const out = topic(`${id}-out`, text(), { partitions: 2 })
  const dlq = topic(`${id}-dlq`, text())
  const made = { partitions: 2, replicationFactor: -1 }
  await log.admin.create([
    { ...made, name: lines.name, configs: {} },
    { ...made, name: out.name, configs },
  ])
  const keyless = configs['cleanup.policy'] === 'compact' ? { key: null } : {}
  const untimely = (): EmitOptions =>
    configs === timely || later === timely ? { timestamp: Date.now() + 2 * hour } : {}
  const kind = stateObject('notes', { state: z.object({ seen: z.array(z.string()) }), init: () => ({ seen: [] }) }).on(
    lines,
    { key: keyOf, route: how === 'turn' ? 'auto' : 'shuffle', onError: { attempts: 1 } },
    (state, line, turn) => {
      state.seen.push(line)
      if (how !== 'row') turn.emit(out, line, isBad(line) ? { ...keyless, ...untimely() } : {})
    },
  )
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-refused-'))
  const app = createApp({
    id,
    objects: how === 'flow' ? [] : [how === 'row' ? kind.publish(out, ({ seen }) => seen.join(',')) : kind],
    flows:
      how === 'flow' ? [lines.to(out, { key: (line) => (isBad(line) && 'key' in keyless ? null : keyOf(line)) })] : [],
    log,
    dataDir,
    createTopics: true,
    commitInterval: 20,
    logger: silentLogger,
  })
  app.closed().catch(() => undefined)
  try {
    await app.start()
    await log.send(lines, linesFrom(0, 40), { key: keyOf })
    await app.drained()
    if (later !== undefined) await broker.configure(out.name, later)
    await log.send(lines, linesFrom(40, 340), { key: keyOf })
    await app.drained()
    const kept: string[] = []
    if (how !== 'flow') for await (const [, { seen }] of app.state(kind).entries()) kept.push(...seen)
    const letters = await readAll(log, dlq)
    return {
      out: short((await readAll(log, out)).map(({ value }) => value)),
      letters: short(letters.map(({ value }) => value)),
      codes: [...new Set(letters.map(({ headers }) => headers['millrace.error.code']))],
      kept: short(kept),
      isReady: app.health().ready,
    }
  } finally {
    await app.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
