import { z } from 'zod'
import { readAll } from '../../../test/reading.js'
import { withAdmin } from '../../../test/with-admin.js'
import { createApp } from '../../app/create-app.js'
import type { AppOptions } from '../../app/options.js'
import { bytes, text } from '../../codec/codec.js'
import { MillraceError } from '../../core/errors.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import type { InputOptions } from '../../model/inputs.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic, type Topic } from '../../model/stream.js'
import type { Turn } from '../../model/turn.js'
import { tumbling } from '../../model/window.js'

const order = z.object({ id: z.string(), bad: z.boolean() })
const orders = topic('orders', order)
const fine = topic('fine', text())
const alerts = topic('alerts', text())
const letters = topic('app-dlq', bytes())
const schema = z.object({ n: z.number() })
const init = (): { n: number } => ({ n: 0 })
const input = { key: ({ id }: { id: string }) => id, onError: { attempts: 1 } } satisfies InputOptions<
  z.infer<typeof order>
>
/** Counts itself, and says so where it may, or cannot. */
const count = (state: { n: number }, bad: boolean, turn: Turn<any, any>): void => {
  state.n++
  turn.emit(bad ? alerts : fine, `${turn.key} ${state.n}`)
}
const ticks = { time: 'processing' } as const

/** How a turn comes to emit. */
const ways: Readonly<Record<string, AnyStateObject>> = {
  'in place': stateObject('kind', { state: schema, init }).on(orders, input, (state, { bad }, turn) =>
    count(state, bad, turn),
  ),
  'in another partition': stateObject('kind', { state: schema, init }).on(
    orders,
    { ...input, route: 'shuffle' },
    (state, { bad }, turn) => count(state, bad, turn),
  ),
  'in a handler that waits': stateObject('kind', { state: schema, init }).on(
    orders,
    input,
    async (state, { bad }, turn) => {
      await Promise.resolve()
      count(state, bad, turn)
    },
  ),
  'in a window': stateObject('kind', { state: schema, init, window: tumbling('1d') }).on(
    orders,
    input,
    (state, { bad }, turn) => count(state, bad, turn),
  ),
  'when a timer is due': stateObject('kind', { state: schema, init })
    .timers({ due: z.boolean() }, ticks)
    .on(orders, input, (_, { bad }, turn) => turn.timer('due', '0ms', bad))
    .onTimer('due', (state, bad, turn) => count(state, bad, turn)),
}

const infoOf = async (log: MemoryLog, name: string): Promise<number | undefined> =>
  (await log.admin.describe([name])).get(name)?.partitions
const make = (log: MemoryLog, ...names: readonly string[]): Promise<void> =>
  log.admin.create(names.map((name) => ({ name, partitions: 2, replicationFactor: 1, configs: {} })))
const values = async (log: MemoryLog, of: Topic<string>): Promise<unknown[]> =>
  (await readAll(log, of)).map(({ value }) => value).sort()
const appOf = (log: MemoryLog, options: Partial<AppOptions>) =>
  createApp({ id: 'app', log, logger: silentLogger, ...options })

describe('a topic that turns emit to and that is not there', () => {
  const send = (log: MemoryLog, ...ids: readonly string[]): Promise<unknown> =>
    log.send(
      orders,
      ids.map((id) => ({ id: id.replace('!', ''), bad: id.endsWith('!') })),
    )

  it.each(Object.keys(ways).filter((way) => way !== 'when a timer is due'))(
    'is an error of the turn that emits to it, and of no other: %s',
    async (way) => {
      const log = memoryLog({ partitions: 2 })
      await make(log, 'orders', 'fine')
      // All in one commit; the object has been changed in it before, and another one fails as its first.
      await send(log, 'a', 'b', 'a!', 'c!', 'd', 'b')
      await using app = appOf(log, { objects: [ways[way] as AnyStateObject] })
      await app.start()
      await app.drained()
      await send(log, 'd', 'e!')
      await app.drained()
      expect(await values(log, fine)).toEqual(['a 1', 'b 1', 'b 2', 'd 1', 'd 2'])
      const dead = await readAll(log, letters)
      const header = (name: string): string[] => dead.map(({ headers }) => String(headers[name])).sort()
      expect(header('millrace.error.code')).toEqual(['TOPIC_MISSING', 'TOPIC_MISSING', 'TOPIC_MISSING'])
      expect(header('millrace.error.message')[0]).toMatch(/turn\.emit to alerts: topic 'alerts' does not exist/)
      expect(app.health()).toMatchObject({ state: 'running', quarantined: 3 })
      expect(await infoOf(log, 'alerts')).toBeUndefined()
    },
  )

  it('is an error of the timer that emits to it', async () => {
    const log = memoryLog({ partitions: 2 })
    await make(log, 'orders', 'fine')
    await send(log, 'a', 'b!', 'c')
    await using app = appOf(log, { objects: [ways['when a timer is due'] as AnyStateObject] })
    await app.start()
    await app.drained()
    while (app.stats().failed === 0 || app.stats().turns < 5) await new Promise(setImmediate)
    await app.drained()
    expect(await values(log, fine)).toEqual(['a 1', 'c 1'])
    expect(app.health().live).toBe(true)
  })

  it('is written to when it has been made meanwhile: the turn is tried again, and nothing is lost or overtaken', async () => {
    const log = memoryLog({ partitions: 2 })
    await make(log, 'orders')
    const kind = stateObject('kind', { state: schema, init }).on(
      orders,
      { key: ({ id }) => id, onError: { backoff: { from: '50ms', to: '50ms' }, for: '1h' } },
      (state, _, turn) => count(state, true, turn),
    )
    await send(log, 'a', 'b', 'a')
    await using app = appOf(log, { objects: [kind] })
    await app.start()
    expect(await app.drained()).toEqual({ waiting: 3 })
    await make(log, 'alerts')
    while ((await app.drained()).waiting > 0);
    expect(await values(log, alerts)).toEqual(['a 1', 'a 2', 'b 1'])
    expect(app.stats().deadLetters).toBe(0)
  })

  it.each(['NOT_AUTHORIZED', 'BROKER_REFUSED'] as const)('is treated as one that answers %s', async (code) => {
    const log = memoryLog({ partitions: 1 })
    await make(log, 'orders', 'fine')
    const describe: MemoryLog['admin']['describe'] = async (topics) => {
      if (topics.includes('alerts')) throw new MillraceError(code, 'no', { topic: 'alerts' })
      return log.admin.describe(topics)
    }
    await send(log, 'a', 'a!', 'b')
    await using app = appOf(log, { log: withAdmin(log, { describe }), objects: [ways['in place'] as AnyStateObject] })
    await app.start()
    await app.drained()
    expect(await values(log, fine)).toEqual(['a 1', 'b 1'])
    const codes = (await readAll(log, letters)).map(({ headers }) => String(headers['millrace.error.code']))
    expect(codes).toEqual([code])
  })

  it('is an error of turns that take longer than a commit waits, also when several emit to it at once', async () => {
    const log = memoryLog({ partitions: 2 })
    await make(log, 'orders', 'fine')
    let open = (): void => undefined
    const gate = new Promise<void>((resolve) => (open = resolve))
    const kind = stateObject('kind', { state: schema, init }).on(orders, input, async (state, { bad }, turn) => {
      if (bad) await gate
      count(state, bad, turn)
    })
    await using app = appOf(log, { objects: [kind] })
    await app.start()
    await send(log, 'a!', 'b!', 'c')
    while (app.stats().turns < 1 || app.stats().commits < 2) {
      await send(log, 'c')
      await new Promise(setImmediate)
    }
    open()
    await app.drained()
    expect(app.stats()).toMatchObject({ deadLetters: 2, quarantined: 2 })
    await send(log, 'd')
    await app.drained()
    expect((await values(log, fine)).at(-1)).toBe('d 1')
    expect(app.health()).toMatchObject({ state: 'running' })
  })

  it('is not blamed for what concerns the whole app', async () => {
    const log = memoryLog({ partitions: 1 })
    await make(log, 'orders', 'fine')
    const error = new MillraceError('CLIENT_UNSUPPORTED', 'too old')
    const describe: MemoryLog['admin']['describe'] = async (topics) => {
      if (topics.includes('alerts')) throw error
      return log.admin.describe(topics)
    }
    const app = appOf(log, { log: withAdmin(log, { describe }), objects: [ways['in place'] as AnyStateObject] })
    const closed = app.closed()
    await app.start()
    await send(log, 'a!')
    await expect(closed).rejects.toBe(error)
  })
})

describe('a topic that a kind declares to emit to', () => {
  const kind = (of: Topic<string>): AnyStateObject =>
    stateObject('kind', { state: schema, init, emits: [fine, of] }).on(orders, input, (state, { bad }, turn) =>
      count(state, bad, turn),
    )

  it('is missed at the start', async () => {
    const log = memoryLog({ partitions: 2 })
    await make(log, 'orders', 'fine')
    const app = appOf(log, { objects: [kind(alerts)] })
    await expect(app.start()).rejects.toMatchObject({ code: 'TOPIC_MISSING', topic: 'alerts' })
  })

  it('is made at the start where the app may, with its partitions', async () => {
    const log = memoryLog({ partitions: 2 })
    await using app = appOf(log, { objects: [kind(topic('alerts', text(), { partitions: 6 }))], createTopics: true })
    await app.start()
    expect([await infoOf(log, 'fine'), await infoOf(log, 'alerts')]).toEqual([2, 6])
  })

  it('has its limits known to the first turn', async () => {
    const log = memoryLog({ partitions: 1 })
    await make(log, 'orders', 'fine')
    const configs = { 'max.message.bytes': '70' }
    await log.admin.create([{ name: 'alerts', partitions: 1, replicationFactor: 1, configs }])
    await log.send(orders, [{ id: 'a'.repeat(100), bad: true }])
    await using app = appOf(log, { objects: [kind(alerts)] })
    await app.start()
    await app.drained()
    expect((await readAll(log, letters)).map(({ headers }) => String(headers['millrace.error.code']))).toEqual([
      'RECORD_TOO_LARGE',
    ])
    expect(app.stats().rollbacks).toBe(0)
  })

  it('is none of the app itself, and is told by describe()', () => {
    const log = memoryLog()
    expect(() => appOf(log, { objects: [kind(topic('app-kind-inbox', text()))] })).toThrow(
      expect.objectContaining({ code: 'DEFINITION_INVALID' }),
    )
    expect(appOf(log, { objects: [kind(alerts)] }).describe()).toContain('\n    emits alerts (text)\n')
  })

  it.each([
    ['a name', ['alerts']],
    ['nothing', [undefined]],
    // eslint-disable-next-line no-sparse-arrays
    ['a hole', [, alerts]],
    ['a stream', [alerts.map((value) => value)]],
  ])('is a topic, and not %s', (_what, emits) => {
    expect(() => stateObject('kind', { state: schema, init, emits: emits as never })).toThrow(
      /'kind': emits: a topic is/,
    )
  })

  it.each([alerts, {}, 'alerts', null])('stands in a list: %p', (emits) => {
    expect(() => stateObject('kind', { state: schema, init, emits: emits as never })).toThrow(/emits/)
  })
})
