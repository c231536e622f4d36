import { createApp, memoryLog, stateObject, topic, type AnyStateObject } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'

const item = z.object({ id: z.string(), tags: z.array(z.string()) })
const items = topic('items', item)
const letters = topic('app-dlq', z.unknown())
const state = z.object({ tags: z.array(z.string()), inner: z.object({ all: z.array(z.string()) }).optional() })
type State = z.infer<typeof state>
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

function tagged(init: (key: string) => State, handler: (own: State, value: z.infer<typeof item>) => unknown) {
  return stateObject('tagged', { state, init }).on(
    items,
    { key: ({ id }) => id, onError: { attempts: 1 } },
    (own, value) => handler(own, value) as undefined,
  )
}

const shared: State = { tags: [] }
const sharedTags: string[] = []
const sharedInner = { all: [] as string[] }
const add = (own: State, { tags }: z.infer<typeof item>): void => void own.tags.push(...tags)

const leaks: readonly (readonly [string, () => AnyStateObject])[] = [
  ['init gives one state to all', () => tagged(() => shared, add)],
  ['init gives one array to all', () => tagged(() => ({ tags: sharedTags }), add)],
  ['init gives one object deep inside', () => tagged(() => ({ tags: [], inner: sharedInner }), add)],
]
const laterLeaks: readonly (readonly [string, () => AnyStateObject])[] = [
  [
    'a handler puts one array into all',
    () =>
      tagged(
        () => ({ tags: [] }),
        (own) => void (own.tags = sharedTags),
      ),
  ],
  [
    'a handler changes the state in a callback that nobody awaits',
    () =>
      tagged(
        () => ({ tags: [] }),
        (own) => void setImmediate(() => own.tags.push('late')),
      ),
  ],
  [
    'a handler changes the state in a promise that nobody awaits',
    () =>
      tagged(
        () => ({ tags: [] }),
        (own) => void Promise.resolve().then(() => own.tags.push('late')),
      ),
  ],
]

async function sent(kind: AnyStateObject): Promise<void> {
  await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
  for (const id of ['a', 'b', 'a', 'b']) await driver.send(items, { id, tags: [id] })
  if (driver.output(topic('test-dlq', z.unknown())).length > 0) throw new Error('a dead letter')
}

describe('the test driver', () => {
  it.each(laterLeaks)('stops where %s', async (_, kind) => {
    await expect(sent(kind())).rejects.toMatchObject({ code: 'STATE_LEAKED', kind: 'tagged' })
  })

  it.each(leaks)('does not pass where %s', async (_, kind) => {
    await expect(sent(kind())).rejects.toThrow(/dead letter|hold the same/)
  })

  it('says nothing of states that are their own, and of what is frozen', async () => {
    const constant = Object.freeze(['constant']) as string[]
    const fine = tagged(
      () => ({ tags: [] }),
      (own, { tags }) => {
        own.tags = tags
        own.inner = { all: constant }
      },
    )
    await expect(sent(fine)).resolves.toBeUndefined()
    await using driver = testDriver({ objects: [fine], partitions: 1, replay: 'every-record' })
    await driver.send(items, { id: 'a', tags: ['x'] })
    await driver.crash()
    await driver.send(items, { id: 'a', tags: ['y'] })
    expect(driver.state(fine, 'a')).toEqual({ tags: ['y'], inner: { all: ['constant'] } })
  })

  it('gives each of two runs of a turn a value of its own', async () => {
    const eating = tagged(
      () => ({ tags: [] }),
      (own, { tags }) => {
        while (tags.length > 0) own.tags.push(tags.shift() as string)
      },
    )
    await using driver = testDriver({ objects: [eating], partitions: 2, replay: 'every-record' })
    await driver.send(items, { id: 'a', tags: ['x', 'y'] })
    expect(driver.state(eating, 'a')).toEqual({ tags: ['x', 'y'] })
  })
})

describe('an app', () => {
  it.each(leaks)('makes it an error of the turn where %s', async (_, kind) => {
    const log = memoryLog({ partitions: 1 })
    await log.send(
      items,
      ['a', 'b', 'c'].map((id) => ({ id, tags: [id] })),
    )
    await using app = createApp({ id: 'app', log, objects: [kind()], createTopics: true, logger: silent })
    await app.start()
    await app.drained()
    const found: unknown[] = []
    for await (const { record } of log.read(letters))
      found.push(Buffer.from(record.headers.get('millrace.error.message') ?? []).toString())
    expect(found).toHaveLength(2)
    expect(String(found[0])).toContain('init gave an object or array that the object before it has too')
  })
})
