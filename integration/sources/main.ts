import { parseArgs } from 'node:util'
import { createApp, source, text, topic, type SourceConnector } from 'millrace'

/** An app with one source, which counts in each of its partitions for ever, and nothing else; it says every 50 ms how many records it has written. */
const { values } = parseArgs({ options: { brokers: { type: 'string' }, app: { type: 'string' } } })
const { brokers = '', app: id = '' } = values

const from: SourceConnector<number> = {
  kind: 'numbers',
  delivery: 'replayable',
  partitions: ['a', 'b', 'c', 'd', 'e'],
  async *open({ partition, position = 0, signal }) {
    for (let at = position; !signal.aborted;) {
      const next = []
      for (const end = at + 5; at < end; at++) next.push({ key: partition, value: String(at) })
      await new Promise((resolve) => setTimeout(resolve, 20))
      yield { records: next, position: at }
    }
  },
}

const app = createApp({
  id,
  kafka: { brokers: brokers.split(',') },
  sources: [source('numbers', { into: topic(`${id}-lines`, text(), { partitions: 3 }), from })],
  createTopics: true,
  sessionTimeout: '1s',
})
process.on('SIGTERM', () => void app.close().then(() => process.exit(0)))
await app.start()
setInterval(() => {
  const records = app.stats().connectors[0]?.records ?? 0
  const partitions = app.health().connectors[0]?.partitions ?? []
  console.log(JSON.stringify({ records, partitions }))
}, 50)
