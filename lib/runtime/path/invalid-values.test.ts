import { z } from 'zod'
import { readAll } from '../../../test/reading.js'
import { createApp } from '../../app/create-app.js'
import { bytes, text } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog } from '../../memory/memory-log.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic, type InvalidPolicy, type Topic } from '../../model/stream.js'

const raw = topic('numbers', text())
const letters = topic('app-dlq', bytes())

function counter(numbers: Topic<number>): AnyStateObject {
  return stateObject('sum', { state: z.object({ sum: z.number() }), init: () => ({ sum: 0 }) })
    .on(
      numbers,
      () => 'all',
      (state, n) => {
        state.sum += n
      },
    )
    .publish(topic('sums', z.number()), (state) => state.sum)
}

describe('a value that its schema refuses', () => {
  const numbers = (onInvalid: InvalidPolicy): Topic<number> => topic('numbers', z.number(), { onInvalid })
  const values = ['1', 'no', '"2"', '3']

  it('goes to the dead letters as it was, with where it came from and why', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(raw, values, {
      key: (value) => `key-${value}`,
      headers: (value) => new Map([['trace', Buffer.from(`t${value}`)]]),
    })
    await using app = createApp({
      id: 'app',
      log,
      objects: [counter(numbers('dead-letter'))],
      createTopics: true,
      logger: silentLogger,
    })
    await app.start()
    await app.drained()

    const sources = new Map<string, string>()
    for await (const { value, record } of log.read(raw))
      sources.set(value ?? '', `${record.partition}@${record.offset}`)
    const found = await readAll(log, letters)
    expect(found.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()]).sort()).toEqual([
      ['key-"2"', '"2"'],
      ['key-no', 'no'],
    ])
    for (const { value, headers } of found) {
      const original = Buffer.from(value ?? []).toString()
      expect(headers).toMatchObject({
        trace: `t${original}`,
        'millrace.app': 'app',
        'millrace.error.code': 'VALUE_INVALID',
        'millrace.source.topic': 'numbers',
      })
      expect(`${headers['millrace.source.partition']}@${headers['millrace.source.offset']}`).toBe(sources.get(original))
      expect(headers['millrace.error.message']).toContain('numbers[')
    }
    expect(app.stats()).toMatchObject({ refused: 2, turns: 2 })
  })

  it('is counted and passed over when it is to be skipped', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(raw, values)
    await using app = createApp({
      id: 'app',
      log,
      objects: [counter(numbers('skip'))],
      createTopics: true,
      logger: silentLogger,
    })
    await app.start()
    await app.drained()
    expect(app.stats()).toMatchObject({ refused: 2, turns: 2 })
    expect(await readAll(log, letters)).toEqual([])
    expect((await readAll(log, topic('sums', z.number()))).at(-1)?.value).toBe(4)
  })

  it('stops the app when it is to stop, and is read again by the next start', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(raw, values)
    const strict = createApp({
      id: 'app',
      log,
      objects: [counter(numbers('stop'))],
      createTopics: true,
      logger: silentLogger,
    })
    await strict.start()
    const error = await strict.drained().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'VALUE_INVALID', topic: 'numbers', partition: 0, offset: 1 })
    expect((error as Error).message).toMatch(/numbers\[0\]@1: .*onInvalid/)
    await expect(strict.closed()).rejects.toBe(error)

    await using lenient = createApp({ id: 'app', log, objects: [counter(numbers('skip'))], logger: silentLogger })
    await lenient.start()
    await lenient.drained()
    expect((await readAll(log, topic('sums', z.number()))).at(-1)?.value).toBe(4)
  })

  it('is a tombstone too: there is no value in it', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send({ name: 'numbers', codec: { encode: () => null as never, decode: () => undefined } }, [null], {
      key: () => 'k',
    })
    await using app = createApp({
      id: 'app',
      log,
      objects: [counter(numbers('dead-letter'))],
      createTopics: true,
      logger: silentLogger,
    })
    await app.start()
    await app.drained()
    expect(await readAll(log, letters)).toMatchObject([{ key: 'k', value: null }])
  })
})

describe('a hopped record whose input is gone', () => {
  it('goes to the dead letters with the place in the inbox', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(raw, [])
    await log.send({ name: 'app-sum-inbox', codec: text() }, ['1'], { key: () => 'all' })
    await using app = createApp({
      id: 'app',
      log,
      objects: [counter(topic('numbers', z.number()))],
      createTopics: true,
      logger: silentLogger,
    })
    await app.start()
    await app.drained()
    expect(await readAll(log, letters)).toMatchObject([
      { key: 'all', headers: { 'millrace.source.topic': 'app-sum-inbox', 'millrace.source.offset': '0' } },
    ])
  })
})
