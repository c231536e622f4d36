import type { App } from '../app/app.js'
import type { AppOptions } from '../app/options.js'
import { counted, counter, CounterApp, id, lines, someLines, toldOf, words } from '../../test/counter-app.js'
import { listeningLogger } from '../../test/reading.js'

let counting: CounterApp
beforeEach(() => {
  counting = new CounterApp()
})
afterEach(() => counting.end())

describe.each([
  ['its store is kept', false],
  ['its store is gone too', true],
])('an app whose group has lost its offsets, when %s', (_what, isDiskLost) => {
  const stopAndForget = async (app: App): Promise<void> => {
    await app.close()
    await counting.log.deleteGroup(id)
    if (isDiskLost) await counting.loseDisk()
  }
  const runAndForget = async (from: number, to: number, options?: Partial<AppOptions>): Promise<void> => {
    const app = await counting.start(options)
    await counting.feed(app, from, to)
    await stopAndForget(app)
  }

  it('goes on where its state was committed, counts nothing twice and loses nothing, and says so', async () => {
    await runAndForget(0, 3)
    const logger = listeningLogger()
    await counting.run(3, 5, { logger })
    expect(await counting.told()).toEqual(toldOf(5))
    expect(logger.warnings.join('\n')).toMatch(/task 1 goes on from where its state was committed: lines\[1\] at \d+/)
  })

  it('does so as often as it happens, also without records in between', async () => {
    await runAndForget(0, 2)
    for (let times = 0; times < 3; times++) await stopAndForget(await counting.start())
    await counting.run(2, 3)
    expect(await counting.told()).toEqual(toldOf(3))
  })

  it('does so for records that were still to hop back', async () => {
    const app = await counting.start()
    await counting.feed(app, 0, 1)
    // Read from the source and committed, with the hops in their inboxes or already done.
    await counting.send(1, 4)
    await stopAndForget(app)
    await (await counting.start()).drained()
    expect(await counting.told()).toEqual(toldOf(4))
  })

  it('begins a topic that it has not read before at its start', async () => {
    await runAndForget(0, 2)
    await counting.send(2, 3, words)
    const wider = counter.on(words, { key: (word) => word.slice(0, 1), route: 'shuffle' }, (state, word, turn) =>
      turn.emit(counted, `${word}:${++state.n}`),
    )
    await (await counting.start({ objects: [wider] })).drained()
    expect(await counting.told()).toEqual(toldOf(3))
  })

  it('begins partitions that have been added since at their start, and those that its state does not have go on too', async () => {
    await counting.run(0, 1)
    await counting.log.grow(lines.name, 5)
    await runAndForget(1, 4)
    await counting.log.grow(lines.name, 6)
    await counting.run(4, 8)
    expect(await counting.told()).toEqual(toldOf(8))
  })

  it('begins anew when its topics are gone as well', async () => {
    await runAndForget(0, 2)
    for (const name of await counting.log.admin.list(`${id}-`)) await counting.log.deleteTopic(name)
    await counting.log.deleteTopic(counted.name)
    await (await counting.start()).drained()
    expect(await counting.told()).toEqual(toldOf(2))
  })

  it('loses nothing without transactions', async () => {
    await runAndForget(0, 3, { guarantee: 'at-least-once' })
    await counting.run(3, 4, { guarantee: 'at-least-once' })
    const lineOf = (text: string): string => text.split(':')[0] as string
    expect(new Set((await counting.told()).map(lineOf))).toEqual(new Set(someLines(0, 4)))
    // Of what is done again there is no more than one commit.
    expect((await counting.told()).length).toBeLessThan(someLines(0, 4).length * 2)
  })
})

it('state that nobody knows of how far it has read is refused', async () => {
  await counting.run(0, 2)
  await counting.log.deleteGroup(id)
  await counting.log.deleteTopic('app-timers')
  await expect(counting.start()).rejects.toMatchObject({
    code: 'OFFSETS_LOST',
    message: expect.stringMatching(/task \d has state, and group 'app' has no offset of lines\[\d\].*--reset-offsets/),
  })
})

it('offsets that were set by hand are obeyed, whatever the state says', async () => {
  await counting.run(0, 2)
  await counting.setOffsets(lines.name, 0)
  await (await counting.start()).drained()
  expect((await counting.told()).length).toBe(2 * someLines(0, 2).length)
})
