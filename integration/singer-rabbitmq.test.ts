import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'amqplib'
import { createApp, memoryLog, topic } from 'millrace'
import { sink, source } from 'millrace/connect'
import { singerSink, singerSource } from 'millrace/singer'
import { z } from 'zod'
import { OwnRabbitmq } from './setup/own-rabbitmq.js'
import { pythonWith } from './singer/pypi.js'

const count = 1_000
let server: OwnRabbitmq
beforeAll(async () => {
  server = await OwnRabbitmq.start()
}, 180_000)
afterAll(() => server.remove())

it('messages go from queue to queue by two programs in Python, while the server is killed: nothing is lost, and the topic has each once', async () => {
  const command = await pythonWith('pika')
  await server.declare('in', 'out')
  await sent()
  await using log = memoryLog({ partitions: 1 })
  const messages = topic('messages', z.object({ id: z.string(), body: z.string() }))
  const program = (name: string, queue: string) => ({
    command,
    args: [`examples/13-python-tap/${name}.py`],
    config: { url: server.url, queue },
  })
  const from = singerSource({ ...program('rabbitmq_tap', 'in'), commitsToStdin: true, id: ({ id }) => id as string })
  const to = singerSink(program('rabbitmq_target', 'out'))
  const app = createApp({
    id: 'queues',
    log,
    sources: [source('in', { into: messages, from, maxBackoff: '1s' })],
    sinks: [sink('out', { from: messages, to, batchRecords: 50, maxBackoff: '1s' })],
    createTopics: true,
  })
  await app.start()
  const records = (kind: string): number => app.stats().connectors.find((one) => one.kind === kind)?.records ?? 0
  while (records('source') < 100) await sleep(1)
  await server.kill()
  await server.start()
  while (records('source') < count || records('sink') < count) await sleep(20)
  await app.close()

  const seen: number[] = []
  for await (const { value } of log.read(messages)) if (value !== null) seen.push(Number(value.id))
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, id) => id))
  const out = (await server.drain('out')).map(({ content }) =>
    Number((JSON.parse(String(content)) as { id: string }).id),
  )
  expect(new Set(out)).toEqual(new Set(seen))
  // What was not acknowledged before the server was killed comes again, and is not written again; the app may be closed before that is acknowledged.
  const left = (await server.drain('in')).filter(({ fields: { redelivered } }) => !redelivered)
  expect(left).toEqual([])
}, 240_000)

/** What the server has confirmed it has on disk: it is killed. */
async function sent(): Promise<void> {
  const connection = await connect(server.url)
  const channel = await connection.createConfirmChannel()
  for (let id = 0; id < count; id++)
    channel.sendToQueue('in', Buffer.from(`body ${id}`), { messageId: String(id), persistent: true })
  await channel.waitForConfirms()
  await connection.close()
}
