import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, createApp, kafkaLog, replayDeadLetters, stateObject, topic } from 'millrace'
import { z } from 'zod'
import type { LogPort } from '../lib/log/port.js'
import { silentLogger } from '../lib/core/logger.js'
import { appendRaw, readRaw, type FoundRecord, type RawRecord } from '../test/raw-records.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

const utf8 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))
const hex = (content: Uint8Array | null): string | null => content && Buffer.from(content).toString('hex')

const year = 365 * 86_400_000
/** Event times that no broker takes as a timestamp, by the first byte of a value. */
const eventTimes = [Date.UTC(2026, 0, 1), -5 * year, Date.now() + 10 * year, 1]

const records: readonly RawRecord[] = [
  { key: Uint8Array.of(0, 0, 200), value: Uint8Array.of(0, 255, 200), timestamp: Date.now(), headers: [] },
  { key: Uint8Array.of(0, 0, 201), value: Uint8Array.of(1), timestamp: Date.now(), headers: [[utf8('mr-hop'), null]] },
  {
    key: null,
    value: new Uint8Array(1_000_000).fill(2),
    timestamp: Date.now(),
    headers: [
      [utf8('a'), utf8('1')],
      [Uint8Array.of(200), utf8('')],
      [utf8('a'), utf8('2')],
      [utf8('millrace.headers'), utf8('2')],
    ],
  },
  { key: utf8(''), value: new Uint8Array(700_000).fill(3), timestamp: Date.now(), headers: [] },
]

const shown = ({ key, value, headers }: RawRecord): string =>
  JSON.stringify([hex(key), hex(value), headers.map(([name, each]) => [hex(name), hex(each)])])

/** A dead letter as its record was, and what ours say of it. */
function opened(letter: FoundRecord): { record: string; ours: ReadonlyMap<string, string> } {
  const count = Number(Buffer.from(letter.headers.at(-1)?.[1] ?? []).toString())
  const ours = letter.headers
    .slice(-count)
    .map(([name, value]) => [name, value ?? []].map((each) => Buffer.from(each).toString()))
  return {
    record: shown({ ...letter, headers: letter.headers.slice(0, -count) }),
    ours: new Map(ours as [string, string][]),
  }
}

describeWithKafka('records that hop, wait and are given up on Kafka', (brokers) => {
  it('are kept as they were, where the broker stamps what the app writes and records are large', async () => {
    const id = nextName('carried')
    const source = topic(`${id}-source`, bytes(), { timestamp: (value) => eventTimes[value[0] as number] as number })
    const log = kafkaLog({ brokers })
    const port = log as unknown as LogPort
    const stamped = { 'message.timestamp.type': 'LogAppendTime' }
    const kept = { ...stamped, 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }
    const topics = [
      { name: source.name, configs: {} },
      { name: `${id}-part-inbox`, configs: kept },
      { name: `${id}-dlq`, configs: kept },
      { name: `${id}-timers`, configs: { ...stamped, 'cleanup.policy': 'compact' } },
      { name: `${id}-part-changelog`, configs: { ...stamped, 'cleanup.policy': 'compact' } },
    ]
    await port.admin.create(topics.map((each) => ({ ...each, partitions: 2, replicationFactor: 1 })))
    await appendRaw(port, source.name, 1, records)

    let fails = true
    const seen: string[] = []
    const part = stateObject('part', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      source.flatMap((value) => [new Date(value.length), new Date(value.length)]),
      { key: (_value, { offset }) => String(offset), route: 'shuffle', onError: { attempts: 2, backoff: 10 } },
      (_state, made, turn) => {
        if (fails) throw new Error('fails')
        seen.push(`${turn.record.offset} ${made.getTime()} ${turn.now} ${turn.record.timestamp}`)
      },
    )
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-carried-'))
    const options = { id, objects: [part], log, dataDir, logger: silentLogger }
    const until = async (letters: number): Promise<readonly FoundRecord[]> => {
      let found: readonly FoundRecord[] = []
      while (found.length < letters) {
        await app.drained()
        found = await readRaw(port, `${id}-dlq`)
      }
      return found
    }
    let app = createApp(options)
    try {
      await app.start()
      const letters = await until(2 * records.length)
      const sent = await readRaw(port, source.name)
      const wanted = sent.flatMap((record) => [shown(record), shown(record)]).sort()
      expect(letters.map((letter) => opened(letter).record).sort()).toEqual(wanted)
      const times = letters.map((letter) => Number(opened(letter).ours.get('millrace.source.timestamp')))
      expect(new Set(times)).toEqual(new Set(eventTimes))
      await app.close()

      expect(await replayDeadLetters({ id, log })).toMatchObject({ replayed: 8, left: [] })
      app = createApp(options)
      await app.start()
      // The first of each object fails again, and is in front of the other.
      expect((await until(3 * records.length)).map((letter) => opened(letter).record).sort()).toEqual(
        [...wanted, ...sent.map(shown)].sort(),
      )
      fails = false
      expect(await replayDeadLetters({ id, log })).toMatchObject({ replayed: 8, left: [] })
      await app.drained()
      const runs = records.flatMap(({ value }, offset) => {
        const at = eventTimes[value?.[0] ?? 0]
        return Array.from({ length: 2 }, () => `${offset} ${value?.length} ${at} ${at}`)
      })
      expect(seen.sort()).toEqual(runs.sort())
    } finally {
      await app.close()
      await log[Symbol.asyncDispose]()
      rmSync(dataDir, { recursive: true, force: true })
    }
  }, 120_000)
})
