import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { listeningLogger, readAll } from '../../test/reading.js'
import type { App } from '../app/app.js'
import { createApp } from '../app/create-app.js'
import { text } from '../codec/codec.js'
import { silentLogger, type Logger } from '../core/logger.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type { Guarantee } from './setup/engine-options.js'

const lines = topic('lines', text(), { partitions: 3 })
const words = topic('words', text(), { partitions: 3 })
const counted = topic('counted', text(), { partitions: 3 })

/** Every line hops to its object, which tells how many it has had. */
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  lines,
  { key: (line) => line.slice(0, 1), route: 'shuffle' },
  (state, line, turn) => turn.emit(counted, `${line}:${++state.n}`),
)

const perKey = ['a', 'b', 'c', 'd']
const someLines = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => from + i).flatMap((n) => perKey.map((key) => `${key}${n}`))
/** What the counter tells of so many lines of each key, each once and in order. */
const toldOf = (to: number): string[] => someLines(0, to).map((line) => `${line}:${Number(line.slice(1)) + 1}`)

let log: MemoryLog
let disk: string
const apps: App[] = []

beforeEach(async () => {
  log = memoryLog({ partitions: 3 })
  disk = await mkdtemp(join(tmpdir(), 'millrace-offsets-'))
})
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
  await rm(disk, { recursive: true, force: true })
})

interface Run {
  readonly guarantee?: Guarantee
  readonly logger?: Logger
  readonly object?: typeof counter
}

async function start({ guarantee = 'exactly-once', logger = silentLogger, object = counter }: Run = {}): Promise<App> {
  const app = createApp({
    id: 'app',
    log: log.open(),
    objects: [object],
    dataDir: disk,
    createTopics: true,
    commitInterval: 5,
    guarantee,
    logger,
  })
  apps.push(app)
  await app.start()
  return app
}

async function feed(app: App, from: number, to: number, into = lines): Promise<void> {
  await send(from, to, into)
  await app.drained()
}

const send = (from: number, to: number, into = lines): Promise<void> =>
  log.send(into, someLines(from, to), { key: (line) => line.slice(0, 1) })

const told = async (): Promise<string[]> =>
  (await readAll(log, counted)).map(({ value }) => value as string).sort(byNumber)
const byNumber = (a: string, b: string): number =>
  Number(a.split(':')[1]) - Number(b.split(':')[1]) || (a < b ? -1 : a > b ? 1 : 0)

describe.each([
  ['its store is kept', false],
  ['its store is gone too', true],
])('an app whose group has lost its offsets, when %s', (_what, isDiskLost) => {
  const stopAndForget = async (app: App): Promise<void> => {
    await app.close()
    await log.deleteGroup('app')
    if (isDiskLost) await rm(disk, { recursive: true, force: true })
  }

  it('goes on where its state was committed, counts nothing twice and loses nothing, and says so', async () => {
    const first = await start()
    await feed(first, 0, 3)
    await stopAndForget(first)
    const logger = listeningLogger()
    const second = await start({ logger })
    await feed(second, 3, 5)
    expect(await told()).toEqual(toldOf(5))
    expect(logger.warnings.join('\n')).toMatch(/task 1 goes on from where its state was committed: lines\[1\] at \d+/)
  })

  it('does so as often as it happens, also without records in between', async () => {
    await feed(await start(), 0, 2)
    for (let times = 0; times < 3; times++) {
      await stopAndForget(apps.at(-1) as App)
      await start()
    }
    await feed(apps.at(-1) as App, 2, 3)
    expect(await told()).toEqual(toldOf(3))
  })

  it('does so for records that were still to hop back', async () => {
    const first = await start()
    await feed(first, 0, 1)
    // Read from the source and committed, with the hops in their inboxes or already done.
    await send(1, 4)
    await stopAndForget(first)
    await (await start()).drained()
    expect(await told()).toEqual(toldOf(4))
  })

  it('begins a topic that it has not read before at its start', async () => {
    const first = await start()
    await feed(first, 0, 2)
    await send(2, 3, words)
    await stopAndForget(first)
    const wider = counter.on(words, { key: (word) => word.slice(0, 1), route: 'shuffle' }, (state, word, turn) =>
      turn.emit(counted, `${word}:${++state.n}`),
    )
    await (await start({ object: wider })).drained()
    expect(await told()).toEqual(toldOf(3))
  })

  it('begins partitions that have been added since at their start, and those that its state does not have go on too', async () => {
    await feed(await start(), 0, 1)
    await apps.at(-1)?.close()
    await log.grow(lines.name, 5)
    await feed(await start(), 1, 4)
    await stopAndForget(apps.at(-1) as App)
    await log.grow(lines.name, 6)
    await feed(await start(), 4, 8)
    expect(await told()).toEqual(toldOf(8))
  })

  it('begins anew when its topics are gone as well', async () => {
    const first = await start()
    await feed(first, 0, 2)
    await stopAndForget(first)
    for (const name of await log.admin.list('app-')) await log.deleteTopic(name)
    await log.deleteTopic(counted.name)
    await (await start()).drained()
    expect(await told()).toEqual(toldOf(2))
  })

  it('loses nothing without transactions', async () => {
    const first = await start({ guarantee: 'at-least-once' })
    await feed(first, 0, 3)
    await stopAndForget(first)
    const second = await start({ guarantee: 'at-least-once' })
    await feed(second, 3, 4)
    const lineOf = (text: string): string => text.split(':')[0] as string
    expect(new Set((await told()).map(lineOf))).toEqual(new Set(someLines(0, 4)))
    // Of what is done again there is no more than one commit.
    expect((await told()).length).toBeLessThan(someLines(0, 4).length * 2)
  })
})

it('state that nobody knows of how far it has read is refused', async () => {
  await feed(await start(), 0, 2)
  await apps.at(-1)?.close()
  await log.deleteGroup('app')
  await log.deleteTopic('app-timers')
  await expect(start()).rejects.toMatchObject({
    code: 'OFFSETS_LOST',
    message: expect.stringMatching(/task \d has state, and group 'app' has no offset of lines\[\d\].*--reset-offsets/),
  })
})

it('offsets that were set by hand are obeyed, whatever the state says', async () => {
  await feed(await start(), 0, 2)
  await apps.at(-1)?.close()
  await using channel = await log.idempotent()
  await channel.begin([], 'app')
  const nobody = { group: 'app', generationId: -1, memberId: '', withoutMembers: true } as const
  await channel.offsets(nobody, new Map([[lines.name, new Map([0, 1, 2].map((partition) => [partition, 0]))]]))
  await channel.commit()
  await (await start()).drained()
  expect((await told()).length).toBe(2 * someLines(0, 2).length)
})
