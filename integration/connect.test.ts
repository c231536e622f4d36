import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectJson, connectKey, createApp, kafkaLog, stateObject, text, topic } from 'millrace'
import { z } from 'zod'
import { nextName } from './names.js'
import { ConnectWorker, type Connector } from './setup/connect-worker.js'
import { describeWithKafka } from './setup/with-kafka.js'

const price = z.object({ price: z.number(), at: z.date(), tags: z.array(z.string()) })

describeWithKafka('a Kafka Connect worker', (brokers) => {
  const names = { rows: nextName('rows'), plain: nextName('plain'), commands: nextName('commands') }
  let dir: string
  let worker: ConnectWorker

  const commands = topic(names.commands, text())
  const rows = topic(names.rows, connectJson(price), { key: connectKey({ symbol: z.string() }), partitions: 1 })
  const plain = topic(names.plain, z.object({ price: z.number() }), { partitions: 1 })
  /** `IBM 5` sets a price, `IBM -` deletes the object. */
  const stock = stateObject('stock', { state: z.object({ price: z.number() }), init: () => ({ price: 0 }) })
    .on(
      commands,
      (command) => command.split(' ')[0] ?? '',
      (state, command, turn) => {
        const [, number] = command.split(' ')
        if (number === '-') return turn.delete()
        state.price = Number(number)
      },
    )
    .publish(rows, ({ price }) => ({ price, at: new Date(0), tags: ['a', 'ü'] }))
    .publish(plain, ({ price }) => ({ price }))

  const fileSink = (topicName: string, schemas: boolean): Connector => ({
    name: topicName,
    config: {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
      topics: topicName,
      file: join(dir, topicName),
      'key.converter': schemas
        ? 'org.apache.kafka.connect.json.JsonConverter'
        : 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': String(schemas),
    },
  })
  const lines = (name: string) => async (): Promise<string[]> =>
    (await readFile(join(dir, name), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-sunk-'))
    await using log = kafkaLog({ brokers })
    const app = createApp({
      id: nextName('app'),
      objects: [stock],
      log,
      createTopics: true,
      dataDir: join(dir, 'data'),
    })
    await app.start()
    for (const command of ['IBM 1', 'AAPL 2', 'IBM 10', 'AAPL -']) {
      await log.send(commands, [command])
      await app.drained()
    }
    await app.close()
    worker = await ConnectWorker.start(brokers, [fileSink(names.rows, true), fileSink(names.plain, false)])
  })
  afterAll(async () => {
    await worker.remove()
    await rm(dir, { recursive: true, force: true })
  })

  it('reads rows with their schema, and deletions', async () => {
    const seen = await worker.until(names.rows, lines(names.rows), (found) => found.length === 4)
    // In Java's words for a date, of which the year is enough: a number has none.
    expect(seen.map((line) => line.replace(/at=[^,]*1970/, 'at=1970'))).toEqual([
      'Struct{price=1.0,at=1970,tags=[a, ü]}',
      'Struct{price=2.0,at=1970,tags=[a, ü]}',
      'Struct{price=10.0,at=1970,tags=[a, ü]}',
      'null',
    ])
  })

  it('reads plain JSON without schemas', async () => {
    const seen = await worker.until(names.plain, lines(names.plain), (found) => found.length === 4)
    expect(seen).toEqual(['{price=1}', '{price=2}', '{price=10}', 'null'])
  })
})
