import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { z } from 'zod'
import { faultyLog } from '../../test/faulty-log.js'
import { MillraceError } from '../core/errors.js'
import { silentLogger } from '../core/logger.js'
import { channels, type DiagnosticEvents } from '../core/telemetry/channels.js'
import type { LogPort } from '../log/port.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type { App } from './app.js'
import { createApp } from './create-app.js'

const words = topic('words', z.string().max(5), { partitions: 1 })
const raw = topic('words', z.string(), { partitions: 1 })
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  words,
  { key: (word) => word, onError: { attempts: 2, backoff: '1ms' } },
  (state, word) => {
    if (word === 'bad') throw new Error('it is bad')
    state.n++
  },
)

type Name = keyof DiagnosticEvents
const names = Object.keys(channels) as Name[]

/** Everything published while `act` runs, by name. */
async function published(
  act: () => Promise<void>,
  hear: (message: unknown, name: string | symbol) => unknown = () => undefined,
): Promise<Record<Name, unknown[]>> {
  const heard = Object.fromEntries(names.map((name) => [name, [] as unknown[]])) as Record<Name, unknown[]>
  const listener = (message: unknown, name: string | symbol): unknown => {
    heard[name as Name].push(message)
    return hear(message, name)
  }
  for (const name of names) subscribe(name, listener)
  try {
    await act()
  } finally {
    for (const name of names) unsubscribe(name, listener)
  }
  return heard
}

const appOn = (log: LogPort | MemoryLog): App =>
  createApp({ id: 'app', log: log as MemoryLog, objects: [counter], createTopics: true, logger: silentLogger })

/** One commit is refused; a record is refused, a turn fails for good, another follows it. */
async function life(): Promise<App> {
  const log = memoryLog()
  let faults = 1
  const error = new MillraceError('COMMIT_ABORTED', 'for a test')
  const app = appOn(
    faultyLog(log.open() as unknown as LogPort, (step) =>
      step === 'commit' && faults-- > 0 ? { error, done: false } : undefined,
    ),
  )
  await app.start()
  await log.open().send(raw, ['good', 'bad', 'too long'], { key: (word) => word })
  await app.drained()
  await log.open().send(raw, ['bad'], { key: (word) => word })
  await app.drained()
  await app.release('counter', 'bad')
  await app.close()
  return app
}

describe('the channels of node:diagnostics_channel', () => {
  it('tell of what an app meets with', async () => {
    const heard = await published(async () => void (await life()))
    expect(heard['millrace:state'].map((each) => (each as { to: string }).to)).toEqual(
      expect.arrayContaining(['running', 'closed']),
    )
    expect(heard['millrace:rebalance']).toContainEqual({
      app: 'app',
      generation: expect.any(Number),
      tasks: [0],
      standbys: [],
    })
    expect(heard['millrace:commit.refused']).toHaveLength(1)
    expect(heard['millrace:commit'].at(-1)).toMatchObject({ app: 'app', tasks: [0], seq: expect.any(Number) })
    expect(heard['millrace:turn.failed']).toContainEqual({
      app: 'app',
      topic: 'words',
      partition: 0,
      offset: 1,
      kind: 'counter',
      key: 'bad',
      input: 'words#0',
      attempt: 2,
      error: expect.objectContaining({ code: 'HANDLER_FAILED' }),
    })
    expect(heard['millrace:refused']).toContainEqual({
      app: 'app',
      topic: 'words',
      partition: 0,
      offset: 2,
      policy: 'dead-letter',
      error: expect.objectContaining({ code: 'VALUE_INVALID' }),
    })
    const codes = heard['millrace:dead-letter'].map((each) => (each as { error: MillraceError }).error.code)
    expect(new Set(codes)).toEqual(new Set(['VALUE_INVALID', 'HANDLER_FAILED', 'QUARANTINED']))
    expect(heard['millrace:quarantine'].at(-1)).toEqual({
      app: 'app',
      task: 0,
      kind: 'counter',
      key: 'bad',
      isIn: false,
    })
    expect(heard['millrace:quarantine']).toContainEqual(expect.objectContaining({ key: 'bad', isIn: true }))
  })

  it('make nothing of what subscribers throw', async () => {
    const ends: unknown[] = []
    const onError = (error: unknown): void => void ends.push(error)
    process.on('uncaughtException', onError)
    let app: App | undefined
    await published(
      async () => void (app = await life()),
      (_message, name) => {
        if (name === 'millrace:commit') return Promise.reject(new Error('later'))
        throw new Error('a subscriber')
      },
    )
    await new Promise((resolve) => setTimeout(resolve, 0))
    process.off('uncaughtException', onError)
    expect(ends).toEqual([])
    expect(app?.stats()).toMatchObject({ turns: 1, deadLetters: 3, refused: 1 })
  })

  it('make no messages when nobody hears them', async () => {
    for (const name of names) expect([name, channels[name].hasSubscribers]).toEqual([name, false])
    await life()
  })
})
