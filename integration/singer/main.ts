import { createApp, kafkaLog, topic } from 'millrace'
import { sink, source } from 'millrace/connect'
import { singerSink, singerSource } from 'millrace/singer'
import { z } from 'zod'

// An app between a tap and a target: `main.ts <what it is, as JSON>`. Writes a line with its statistics from time to time.
export interface Setting {
  readonly brokers: readonly string[]
  readonly id: string
  readonly topic: string
  readonly tap: string
  readonly target: string
  readonly config: { readonly tap: object; readonly target: object }
}

const { brokers, id, topic: name, tap, target, config } = JSON.parse(process.argv[2] ?? '') as Setting
const Row = z.object({ id: z.number().int(), text: z.string() })
const rows = topic(name, Row)

const log = kafkaLog({ brokers: [...brokers] })
const app = createApp({
  id,
  log,
  sources: [
    source('rows', {
      into: rows,
      from: singerSource({
        command: tap,
        config: config.tap as {},
        value: ({ id, text }) => ({ id, text }),
        // It begins anew when it was interrupted, whatever its STATE says.
        id: (record) => String(record.id as number),
        once: true,
      }),
      key: (row) => String(row.id),
      idWindow: 100_000,
    }),
  ],
  sinks: [
    sink('file', {
      from: rows,
      to: singerSink({
        command: target,
        config: config.target as {},
        acknowledges: 'at-end',
        schema: z.toJSONSchema(Row),
      }),
      batchRecords: 3_000,
    }),
  ],
  createTopics: true,
  sessionTimeout: '6s',
})

await app.start()
setInterval(() => {
  const [{ records: read } = { records: 0 }, { records: written } = { records: 0 }] = app.stats().connectors
  process.stdout.write(`${JSON.stringify({ read, written })}\n`)
}, 50)
