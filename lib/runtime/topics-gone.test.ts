import { z } from 'zod'
import { text } from '../codec/codec.js'
import { lookup } from '../model/lookup.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { counted, counter, CounterApp, id, length, lines, someLines, toldOf } from '../../test/counter-app.js'

const changelog = 'app-counter-changelog'
const inbox = 'app-counter-inbox'
const timers = 'app-timers'

let counting: CounterApp
beforeEach(() => {
  counting = new CounterApp()
})
afterEach(() => counting.end())

const ownTopics = (): Promise<readonly string[]> => counting.log.admin.list(`${id}-`)

describe.each([
  ['its store is kept', false],
  ['its store is gone', true],
])('an app that was stopped, when %s', (_what, isDiskLost) => {
  beforeEach(async () => {
    await counting.run(0, 2)
    if (isDiskLost) await counting.loseDisk()
  })

  it.each([
    ['its changelog', [changelog], changelog],
    ['the changelog of timers', [timers], timers],
    ['its inbox', [inbox], inbox],
    ['its changelog and inbox', [changelog, inbox], changelog],
    ['all its own topics', [changelog, inbox, timers], timers],
  ])('does not start on empty state when somebody has deleted %s', async (_topics, deleted, named) => {
    for (const name of deleted) await counting.log.deleteTopic(name)
    const before = await ownTopics()
    const started = counting.start()
    await expect(started).rejects.toMatchObject({ code: 'TOPIC_MISSING', topic: named })
    await expect(started).rejects.toThrow(/is not there, and it was when group 'app' last committed/)
    const advice =
      named === inbox
        ? /To accept that, create it/
        : /Do not make it by hand.*delete group 'app' and all topics 'app-…'/
    await expect(started).rejects.toThrow(advice)
    expect(await ownTopics()).toEqual(before)
  })

  it.each([
    ['its changelog', changelog, 'TOPIC_MISMATCH', /the state that was in it is gone.*delete group 'app'/],
    ['the changelog of timers', timers, 'TOPIC_MISMATCH', /the state that was in it is gone.*delete group 'app'/],
    [
      'its inbox',
      inbox,
      'INBOX_TRIMMED',
      /records on their way.*--topic app-counter-inbox --reset-offsets --to-earliest/,
    ],
    [
      'its source',
      lines.name,
      'OFFSET_OUT_OF_RANGE',
      /means nothing any more.*--topic lines --reset-offsets --to-earliest/,
    ],
  ])('does not start when somebody has made %s anew', async (_topic, name, code, message) => {
    await counting.makeAnew(name)
    await counting.send(2, 4)
    for (let times = 0; times < 2; times++) {
      const started = counting.start()
      await expect(started).rejects.toMatchObject({ code, topic: name })
      await expect(started).rejects.toThrow(/was deleted and made anew since group 'app' last committed/)
      await expect(started).rejects.toThrow(message)
    }
  })

  it('reads a source that was made anew from where it is told to, and each record once', async () => {
    await counting.makeAnew(lines.name)
    await counting.send(2, 4)
    await counting.setOffsets(lines.name, 0)
    await counting.run(4, 5)
    expect(await counting.told()).toEqual(toldOf(5))
    await counting.run(5, 6)
    expect(await counting.told()).toEqual(toldOf(6))
  })

  it('goes on when the loss of an inbox is accepted', async () => {
    await counting.makeAnew(inbox)
    await counting.setOffsets(inbox, 0)
    await counting.run(2, 4)
    expect(await counting.told()).toEqual(toldOf(4))
  })

  it('says what was made anew also when the offsets of its group are gone', async () => {
    await counting.log.deleteGroup(id)
    await counting.makeAnew(lines.name)
    await counting.send(2, 4)
    await expect(counting.start()).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', topic: lines.name })
    await counting.makeAnew(changelog)
    await expect(counting.start()).rejects.toMatchObject({ code: 'TOPIC_MISMATCH', topic: changelog })
  })

  it('starts with a kind more, which has no changelog yet', async () => {
    const app = await counting.start({ objects: [counter, length] })
    await counting.feed(app, 2, 3)
    expect(await app.state(length).get('a')).toEqual({ chars: 2 })
    expect(await counting.told()).toEqual(toldOf(3))
  })

  it('starts with a kind that there was once, was left out, and has lost its topics meanwhile', async () => {
    await counting.run(2, 3, { objects: [counter, length] })
    await counting.run(3, 3)
    await counting.log.deleteTopic('app-length-changelog')
    await counting.log.deleteTopic('app-length-inbox')
    const app = await counting.start({ objects: [counter, length] })
    await counting.feed(app, 3, 4)
    expect(await app.state(length).get('a')).toEqual({ chars: 2 })
    expect(await counting.told()).toEqual(toldOf(4))
  })

  it('begins anew when its group and its topics are gone, and later on a disk of the life before too', async () => {
    await counting.log.deleteGroup(id)
    for (const name of [...(await ownTopics()), counted.name]) await counting.log.deleteTopic(name)
    await counting.run(2, 3, {}, 1)
    expect(await counting.told()).toEqual(toldOf(3))
    await counting.run(3, 4)
    expect(await counting.told()).toEqual(toldOf(4))
  })
})

describe('an app that runs', () => {
  it.each([
    ['its source, which has more records at once than it had', lines.name, 'OFFSET_OUT_OF_RANGE'],
    ['its inbox', inbox, 'INBOX_TRIMMED'],
    ['its changelog', changelog, 'TOPIC_MISMATCH'],
    ['the changelog of timers', timers, 'TOPIC_MISMATCH'],
  ])('stops when somebody makes %s anew, and does not start again', async (_what, name, code) => {
    const app = await counting.start()
    await counting.feed(app, 0, 2)
    // At once, so that positions of the old one lie inside of the new one.
    await counting.makeAnew(name)
    await counting.send(2, 9)
    await expect(app.closed()).rejects.toMatchObject({ code, topic: name })
    await expect(app.closed()).rejects.toThrow(/was deleted and made anew/)
    await expect(counting.start()).rejects.toMatchObject({ code, topic: name })
    const told = await counting.told()
    // Nothing of another source is told, and nothing twice.
    expect(told.slice(0, name === lines.name ? undefined : someLines(0, 2).length)).toEqual(toldOf(2))
    expect(new Set(told).size).toBe(told.length)
  })

  it('goes on with the rows of a lookup topic that was made anew', async () => {
    const names = topic('names', text(), { partitions: 2 })
    const named = lookup(names)
    const namer = stateObject('namer', { state: z.object({ name: z.string() }), init: () => ({ name: '' }) }).on(
      lines,
      (line) => line.slice(0, 1),
      (state, _line, turn) => {
        state.name = turn.lookup(named, 'x') ?? 'nobody'
      },
    )
    await counting.log.send(names, ['old'], { key: () => 'x' })
    const app = await counting.start({ objects: [namer], lookups: [named] })
    await counting.feed(app, 0, 1)
    expect(await app.state(namer).get('a')).toEqual({ name: 'old' })
    await counting.makeAnew(names.name)
    await counting.log.send(names, ['new', 'new', 'new'], { key: () => 'x' })
    do await counting.feed(app, 1, 2)
    while ((await app.state(namer).get('a'))?.name === 'old')
    expect(await app.state(namer).get('a')).toEqual({ name: 'new' })
  })
})

it('an app of flows gets its first kind', async () => {
  const flows = [lines.to(counted)]
  await counting.run(0, 1, { objects: [], flows })
  const app = await counting.start({ objects: [length], flows })
  await counting.feed(app, 1, 2)
  expect(await app.state(length).get('a')).toEqual({ chars: 2 })
})

it('a source of an app without state begins at its start when it was made anew, as its offsets went with it', async () => {
  const flows = [lines.to(counted)]
  await counting.run(0, 1, { objects: [], flows })
  await counting.makeAnew(lines.name)
  await counting.run(1, 2, { objects: [], flows })
  expect((await counting.told()).sort()).toEqual(someLines(0, 2).sort())
})
