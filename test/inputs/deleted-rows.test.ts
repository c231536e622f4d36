import { bytes, createApp, long, stateObject, text, topic } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'
import { silentLogger } from '../../lib/core/logger.js'
import { memoryLog } from '../../lib/memory/memory-log.js'

const lines = topic('lines', text())
const rows = topic('rows', text(), { key: long() })
const letters = topic('test-dlq', bytes())
const options = { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }
const input = { key: (line: string) => line.split(' ')[0] as string, onError: { attempts: 1 } }

/** Deletes its object when the line says so. */
const counted = (ttl?: '100ms') =>
  stateObject('o', ttl === undefined ? options : { ...options, ttl }).on(lines, input, (state, line, turn) => {
    state.n++
    if (line.endsWith('gone')) turn.delete()
  })
const withRows = (ttl?: '100ms') => counted(ttl).publish(rows, ({ n }) => String(n))

describe('an object that is deleted, and whose key is none of the topic of its rows', () => {
  it('has no row, and is no error: there was none of it', async () => {
    const kind = withRows()
    await using driver = testDriver({ objects: [kind] })
    await driver.sendAll(lines, ['word gone', '5', '5 gone', '6'])
    await driver.crash()
    expect(driver.output(rows).map(({ key, value }) => [key, value])).toEqual(
      expect.arrayContaining([
        ['5', null],
        ['6', '1'],
      ]),
    )
    expect(driver.output(letters)).toEqual([])
    expect(driver.state(kind, 'word')).toBeUndefined()
  })

  it.each(['by a turn', 'by its time to live'])('also when rows came into the program later: %s', async (how) => {
    const ttl = how === 'by a turn' ? undefined : '100ms'
    await using log = memoryLog({ partitions: 2 })
    const run = async (
      kind: ReturnType<typeof counted>,
      ...values: string[]
    ): Promise<ReturnType<typeof createApp>> => {
      const app = createApp({ id: 'a', objects: [kind], log, createTopics: true, logger: silentLogger })
      await app.start()
      await log.send(lines, values)
      await app.drained()
      return app
    }
    await (await run(counted(ttl), 'word')).close()
    const kind = withRows(ttl)
    const app = await run(kind, ...(ttl === undefined ? ['word gone'] : ['7']))
    const gone = async (): Promise<boolean> => (await app.state(kind).get('word')) === undefined
    while (!(await gone())) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(app.health().state).toBe('running')
    expect(app.stats().deadLetters).toBe(0)
    await app.close()
  })
})

it('an object whose deletion has no room in the topic of its rows is kept, and its turn is an error', async () => {
  const small = topic('small', text())
  const key = 'k'.repeat(2_000)
  const plain = counted()
  await using log = memoryLog({ partitions: 1 })
  await log.admin.create([
    { name: 'small', partitions: 1, replicationFactor: -1, configs: { 'max.message.bytes': '1000' } },
  ])
  const base = { id: 'a', log, createTopics: true, logger: silentLogger }
  const first = createApp({ ...base, objects: [plain] })
  await first.start()
  await log.send(lines, [key])
  await first.drained()
  await first.close()
  const kind = plain.publish(small, ({ n }) => String(n))
  const app = createApp({ ...base, objects: [kind] })
  await app.start()
  await log.send(lines, [`${key} gone`, 'short'])
  await app.drained()
  expect(await app.state(kind).get(key)).toEqual({ n: 1 })
  expect(await app.state(kind).get('short')).toEqual({ n: 1 })
  expect(app.stats().deadLetters).toBe(1)
  await app.close()
})
