import { z } from 'zod'
import { createApp, memoryLog, registry, registryAvro, sink, source, topic } from '../lib/index.js'
import type { SinkBatch, SourceConnector, Topic } from '../lib/index.js'
import { silentLogger } from '../lib/core/logger.js'
import { FakeRegistry } from './fake-registry.js'
import { until } from './sink-lab.js'

const Row = z.object({ n: z.int() }).meta({ id: 'Row' })

/** Once: the app that is started again has its position. */
const numbers: SourceConnector<number> = {
  kind: 'numbers',
  delivery: 'replayable',
  async *open({ position }) {
    if (position === undefined) yield { records: [{ value: { n: 1 } }, { value: { n: 2 } }], position: 2 }
  },
}

let fake: FakeRegistry
beforeEach(async () => void (fake = await FakeRegistry.start()))
afterEach(() => fake.stop())

/** With a client of its own, which knows no id. */
const rowsOf = (schema: z.ZodType = Row): Topic<{ n: number }> =>
  topic('rows', registryAvro(schema as typeof Row, { registry: registry({ url: fake.url }) }), { partitions: 1 })

it('sources write topics of a schema registry, and sinks read them', async () => {
  const log = memoryLog()
  const written: unknown[] = []
  const write = ({ records }: SinkBatch<{ n: number }>): void => void written.push(...records.map(({ value }) => value))
  const to = { kind: 'list', open: () => ({ write }) }
  await using writer = createApp({
    id: 'writer',
    log,
    sources: [source('numbers', { into: rowsOf(), from: numbers })],
    createTopics: true,
    logger: silentLogger,
  })
  await writer.start()
  expect(fake.subjects.get('rows-value')).toEqual([1])
  await until(() => writer.stats().connectors[0]?.records === 2)
  fake.requests.length = 0
  await using reader = createApp({
    id: 'reader',
    log,
    sinks: [sink('list', { from: rowsOf(), to })],
    createTopics: true,
    logger: silentLogger,
  })
  await reader.start()
  await until(() => written.length === 2)
  expect(written).toEqual([{ n: 1 }, { n: 2 }])
  expect(fake.requests).toEqual(['GET /subjects/rows-value/versions/latest', 'GET /schemas/ids/1'])
})

it('an app does not start whose sink could not read the latest schema', async () => {
  const log = memoryLog()
  await log.send(rowsOf(), [{ n: 1 }])
  const Other = z.object({ m: z.string() }).meta({ id: 'Row' })
  const to = { kind: 'list', open: () => ({ write: () => undefined }) }
  await using app = createApp({
    id: 'reader',
    log,
    sinks: [sink('list', { from: rowsOf(Other), to: to as never })],
    createTopics: true,
    logger: silentLogger,
  })
  await expect(app.start()).rejects.toMatchObject({ code: 'SCHEMA_REFUSED' })
})
