import { parseArgs } from 'node:util'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { avro, avroSchema, connectJson, json, registry, registryAvro, topic, type Codec } from 'millrace'
import { z } from 'zod'
import { cpuSeconds, event, events, report, rounded, whole, type Event } from './shared/setting.js'

/** Writes and reads the same values in JSON, alone and with its schema for Kafka Connect, and in Avro: bytes and CPU time of a value, the check by zod included. */
const { values: args } = parseArgs({ options: { values: { type: 'string' }, rounds: { type: 'string' } } })
const count = whole(args.values, 200_000)
const rounds = whole(args.rounds, 5)

/** With the types that Avro has for whole numbers. */
const typed = event.extend({ qty: z.int(), ts: z.int() })
const wider = typed.extend({ note: z.string().optional() })

const single = avro(typed, { header: { kind: 'single-object' } })
const inRegistry = await registered()
const codecs: Readonly<Record<string, readonly [writer: Codec<Event>, reader: Codec<Event>]>> = {
  json: [json(typed), json(typed)],
  connectJson: [connectJson(typed), connectJson(typed)],
  avro: [avro(typed), avro(typed)],
  avroSingleObject: [single, single],
  avroRegistry: [inRegistry, inRegistry],
  avroResolved: [avro(typed), avro(wider, { writer: avroSchema(typed) })],
}

/** As a topic of a schema registry has it, which has one schema. */
async function registered(): Promise<Codec<Event>> {
  const schema = JSON.stringify(avroSchema(typed))
  const server = createServer((_, response) => void response.end(JSON.stringify({ id: 1, schema })))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const schemas = registry({ url: `http://127.0.0.1:${port}` })
  const { codec } = topic('events', registryAvro(typed, { registry: schemas }))
  await codec.awaited?.prepare('write', new AbortController().signal)
  server.closeAllConnections()
  server.close()
  return codec
}

const values = [...events(count, 10_000)]
const best: Record<string, { bytes: number; writeNs: number; readNs: number }> = {}
let verified = true

const bytesOf = (encoded: Uint8Array | string) => (typeof encoded === 'string' ? Buffer.from(encoded) : encoded)
const perValue = (from: NodeJS.CpuUsage): number => Math.round((cpuSeconds(from) * 1e9) / count)

// Interleaved, so that what else the machine does meets all of them; the fastest round counts.
for (let round = 0; round < rounds; round++) {
  for (const [name, [writer, reader]] of Object.entries(codecs)) {
    const beforeWrite = process.cpuUsage()
    const written = values.map((value) => bytesOf(writer.encode(value)))
    const writeNs = perValue(beforeWrite)
    const beforeRead = process.cpuUsage()
    const read = written.map((bytes) => reader.decode(bytes))
    const readNs = perValue(beforeRead)
    verified &&= read.every(({ user, ts }, n) => user === values[n]?.user && ts === values[n]?.ts)
    const bytes = rounded(written.reduce((sum, { length }) => sum + length, 0) / count, 1)
    const { writeNs: leastWrite = Infinity, readNs: leastRead = Infinity } = best[name] ?? {}
    best[name] = { bytes, writeNs: Math.min(leastWrite, writeNs), readNs: Math.min(leastRead, readNs) }
  }
}

report({ bench: 'codecs', values: count, rounds, ...best, verified })
