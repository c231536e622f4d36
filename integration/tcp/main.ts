// main.js BROKERS APP PORT SINK_PORT: what comes over TCP goes into a topic, and out again. Says `listening` when it listens.
import { createApp, json, kafkaLog, sink, source, topic } from 'millrace'
import { tcpSink, tcpSource } from 'millrace/tcp'
import { z } from 'zod'

const [brokers = '', id = '', port = '', sinkPort = ''] = process.argv.slice(2)
const events = topic(`${id}-events`, json(z.object({ id: z.string(), n: z.number() })))

const app = createApp({
  id,
  log: kafkaLog({ brokers: brokers.split(',') }),
  createTopics: true,
  sessionTimeout: '1s',
  sources: [
    source('wire', {
      into: events,
      from: tcpSource({
        listen: { port: Number(port) },
        frames: 'line',
        answers: true,
        id: (frame) => (JSON.parse(frame.toString()) as { id: string }).id,
        onListening: () => console.log('listening'),
      }),
      key: (event) => event.id,
    }),
  ],
  sinks: [
    sink('back', { from: events, to: tcpSink({ connect: { port: Number(sinkPort) }, frames: 'line', answers: true }) }),
  ],
})
await app.start()
await app.closed()
