import { createApp, session, stateObject, text, topic, tumbling } from 'millrace'
import { z } from 'zod'
import { silentLogger } from '../lib/core/logger.js'
import { kafkaLog } from '../lib/kafka/kafka-log.js'
import { batchBuilder } from '../lib/log/batch-builder.js'
import { readAll } from '../test/reading.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

const hourMs = 3_600_000
const anyTime = { 'message.timestamp.type': 'CreateTime' }

describeWithKafka('times on Kafka', (brokers) => {
  const log = kafkaLog({ brokers }, { logger: silentLogger })
  afterAll(() => log[Symbol.asyncDispose]())

  /** Of records of 1970 nothing is left when the broker next looks for what is too old, every five minutes. */
  const kept = { 'retention.ms': '-1' }
  const make = (name: string, configs: Readonly<Record<string, string>>): Promise<void> =>
    log.admin.create([{ name, partitions: 2, replicationFactor: 1, configs: { ...kept, ...configs } }])
  const configOf = async (name: string, config: string): Promise<string | undefined> =>
    (await log.admin.describe([name])).get(name)?.configs.get(config)

  /** Sends as other producers might, whatever the times are. */
  async function append(name: string, all: readonly { readonly value: string; readonly at: number }[]): Promise<void> {
    const channel = await log.idempotent()
    const partition = { topic: name, partition: 0 }
    await channel.begin([partition], undefined)
    for (const { value, at } of all) {
      const builder = batchBuilder()
      builder.add('all', value, at)
      await channel.append(partition, builder.finish())
    }
    await channel.commit()
    await channel[Symbol.asyncDispose]()
  }

  /** Visits, whose time is in their value; all of them hop, and those of a minute are one object. */
  function minutes(id: string) {
    const visits = topic(`${id}-visits`, z.object({ n: z.number(), at: z.number() }), { timestamp: ({ at }) => at })
    const closed = topic(`${id}-closed`, z.object({ start: z.number(), ns: z.array(z.number()) }))
    const kind = stateObject('minute', {
      state: z.object({ ns: z.array(z.number()) }),
      init: () => ({ ns: [] as number[] }),
      window: tumbling('1m'),
    })
      .on(visits, { key: () => 'all', route: 'shuffle' }, ({ ns }, { n }) => {
        ns.push(n)
      })
      .onClose(({ ns }, turn) => turn.emit(closed, { start: turn.window.start, ns }))
    return { visits, closed, kind }
  }

  it.each([
    ['made by the app', undefined],
    ['stamped by the broker', { 'message.timestamp.type': 'LogAppendTime' }],
  ])(
    'event time goes through internal topics as it is: %s',
    async (_what, configs) => {
      const id = nextName('times')
      const { visits, closed, kind } = minutes(id)
      await make(visits.name, {})
      await make(closed.name, {})
      if (configs !== undefined) {
        await make(`${id}-minute-inbox`, { 'cleanup.policy': 'delete', ...configs })
        await make(`${id}-minute-changelog`, { 'cleanup.policy': 'compact', ...configs })
        await make(`${id}-timers`, { 'cleanup.policy': 'compact', ...configs })
      }
      const app = createApp({ id, objects: [kind], log, logger: silentLogger })
      try {
        await app.start()
        // Of before 1970, of long ago, and of the year 2100.
        const times = [-90_000, -60_000, -1, 0, 30_000, 60_000, Date.UTC(2100, 0), 119_999]
        await log.send(
          visits,
          times.map((at, n) => ({ n, at })),
          { key: () => 'all' },
        )
        await app.drained()
        await log.send(visits, [{ n: 100, at: 1e12 }], { key: () => 'all' })
        await app.drained()
        const windows = (await readAll(log, closed)).map(({ value }) => value)
        expect(windows.sort((a, b) => (a?.start ?? 0) - (b?.start ?? 0))).toEqual([
          { start: -120_000, ns: [0] },
          { start: -60_000, ns: [1, 2] },
          { start: 0, ns: [3, 4] },
          { start: 60_000, ns: [5, 7] },
        ])
        const letters = await readAll(log, topic(`${id}-dlq`, visits.codec))
        expect(letters.map(({ value, headers }) => [value?.n, headers['millrace.error.code']])).toEqual([
          [6, 'RECORD_AHEAD'],
        ])
        for (const name of ['minute-inbox', 'minute-changelog', 'timers', 'dlq'])
          expect(await configOf(`${id}-${name}`, 'message.timestamp.type')).toBe(
            name === 'dlq' ? 'CreateTime' : (configs ?? anyTime)['message.timestamp.type'],
          )
      } finally {
        await app.close()
      }
    },
    60_000,
  )

  it('internal topics take any time, as far as the broker knows such settings', async () => {
    const id = nextName('times')
    const { visits, closed, kind } = minutes(id)
    await make(visits.name, {})
    await make(closed.name, {})
    const app = createApp({ id, objects: [kind], log, logger: silentLogger })
    await app.start()
    await app.close()
    for (const side of ['before', 'after']) {
      const config = `message.timestamp.${side}.max.ms`
      const known = await configOf(visits.name, config)
      for (const name of ['minute-inbox', 'minute-changelog', 'timers', 'dlq'])
        expect(await configOf(`${id}-${name}`, config)).toBe(known && '9223372036854775807')
    }
  }, 60_000)

  it('records without a time, or of nanoseconds, are refused by windows and not by others', async () => {
    const id = nextName('times')
    const lines = topic(`${id}-lines`, text())
    // As brokers before 4.0 have it; those before 3.6 do not know it, and take such times.
    const probe = nextName('times')
    await make(probe, {})
    const after = 'message.timestamp.after.max.ms'
    const isKnown = (await configOf(probe, after)) !== undefined
    await make(lines.name, isKnown ? { [after]: '9223372036854775807' } : {})
    const seen = z.object({ lines: z.array(z.string()) })
    const init = (): { lines: string[] } => ({ lines: [] })
    const visit = stateObject('visit', {
      state: seen,
      init,
      window: session<{ lines: string[] }>('1m', { merge: (a, b) => ({ lines: [...a.lines, ...b.lines] }) }),
    }).on(
      lines,
      () => 'all',
      (state, line) => {
        state.lines.push(line)
      },
    )
    const plain = stateObject('plain', { state: seen, init }).on(
      lines,
      () => 'all',
      (state, line) => {
        state.lines.push(line)
      },
    )
    const now = Date.now()
    await append(lines.name, [
      { value: 'first', at: now - 1_000 },
      { value: 'none', at: -1 },
      { value: 'nanoseconds', at: now * 1e6 },
      { value: 'ahead', at: now + 2 * hourMs },
      { value: 'last', at: now },
    ])
    const app = createApp({ id, objects: [visit, plain], log, logger: silentLogger })
    try {
      await app.start()
      await app.drained()
      expect(await app.state(plain).get('all')).toEqual({ lines: ['first', 'none', 'nanoseconds', 'ahead', 'last'] })
      const visits: unknown[] = []
      for await (const [, each] of app.state(visit).entries()) visits.push(each)
      expect(visits).toEqual([{ lines: ['first', 'last'] }])
      const letters = await readAll(log, topic(`${id}-dlq`, text()))
      expect(letters.map(({ value, headers }) => `${value} ${headers['millrace.error.code']}`).sort()).toEqual([
        'ahead RECORD_AHEAD',
        'nanoseconds TIME_INVALID',
        'none TIME_INVALID',
      ])
    } finally {
      await app.close()
    }
  }, 60_000)
})
