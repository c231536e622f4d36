import { bytes, createApp, memoryLog, stateObject, text, topic, type Flow, type Topic } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'

const words = topic('words', text())
const state = z.object({ words: z.array(z.string()) })
const kind = stateObject('kind', { state, init: () => ({ words: [] }) })
const key = (): string => 'k'
const onError = { attempts: 2, backoff: '1ms' } as const

/** Topics of the app `test`, and of the brokers. */
const own = [
  'test-kind-changelog',
  'test-kind-inbox',
  'test-timers',
  'test-dlq',
  // Of a kind that there was.
  'test-renamed.kind_2-changelog',
  '__consumer_offsets',
  '__transaction_state',
]
/** What may seem to be. */
const others = [
  'test',
  'test-other-kind-changelog',
  'test-kind',
  'kind-changelog',
  'test-dlq-2',
  '__own',
  '__abcdef-changelog',
  'Test-dlq',
]

const handle = (name: string): Topic<string> => topic(name, text())

describe.each(own)('%s', (name) => {
  it('is no target of a flow, nor of rows', async () => {
    const to = { flows: [words.to(handle(name))] as readonly Flow[] }
    const rows = { objects: [kind.on(words, key, () => undefined).publish(handle(name), () => '')] }
    for (const program of [to, rows]) {
      expect(() => createApp({ id: 'test', log: memoryLog(), ...program })).toThrow(
        expect.objectContaining({ code: 'DEFINITION_INVALID', topic: name, message: expect.stringContaining(name) }),
      )
      expect(() => testDriver(program)).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
    }
    // To another app it is a topic like any other, but for those of the brokers.
    if (!name.startsWith('__')) createApp({ id: 'another', log: memoryLog(), ...to })
  })

  it('is no target of an emit: that is an error of its turn', async () => {
    const emitting = kind.on(words, { key: (word) => word, onError }, (own, word, turn) => {
      own.words.push(word)
      if (word === 'bad') turn.emit(handle(name), 'x')
    })
    await using driver = testDriver({ failures: 'expect', objects: [emitting], partitions: 2 })
    for (const word of ['a', 'bad', 'b']) await driver.send(words, word, { key: word })
    await driver.advance('10s')
    await driver.crash()
    const found = driver.output(topic('test-dlq', bytes()))
    expect(found.map(({ value }) => Buffer.from(value ?? []).toString())).toEqual(['bad'])
    expect(Buffer.from(found[0]!.headers.get('millrace.error.message')!).toString()).toContain(`turn.emit to ${name}: `)
    for (const word of ['a', 'b']) expect(driver.state(emitting, word)).toEqual({ words: [word] })
    expect(driver.state(emitting, 'bad')).toBeUndefined()
  })
})

it.each(others)('%s is a topic like any other', async (name) => {
  const emitting = kind.on(words, key, (_own, word, turn) => turn.emit(handle(name), word))
  await using driver = testDriver({ objects: [emitting], flows: [words.to(handle(name))] })
  await driver.send(words, 'a')
  expect(driver.output(handle(name)).map(({ value }) => value)).toEqual(['a', 'a'])
})

it('inboxes of the app are not read by a program, the dead letters may be', () => {
  const app = (name: string) => () =>
    createApp({ id: 'test', log: memoryLog(), objects: [kind.on(handle(name), key, () => undefined)] })
  expect(app('test-kind-inbox')).toThrow(/test-kind-inbox is an inbox of this app/)
  expect(app('test-dlq')).not.toThrow()
})
