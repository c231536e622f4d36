import { z } from 'zod'
import { createApp } from '../../app/create-app.js'
import { text } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { hopping } from '../../model/window.js'
import { testDriver } from '../../testing/driver.js'

const line = z.object({ id: z.string(), items: z.array(z.string()) })
const lines = topic('lines', line)
const state = z.object({ items: z.array(z.string()) })
const init = (): z.infer<typeof state> => ({ items: [] })
const dlq = topic('test-dlq', text())

/** Keeps the value as it came, and adds to it: each window must have one of its own. */
function keeping(windows: number) {
  return stateObject('kept', { state, init, window: hopping(windows * 1_000, { every: '1s', grace: '1d' }) }).on(
    lines,
    ({ id }) => id,
    (own, { items }) => {
      if (own.items.length === 0) own.items = items
      else own.items.push(...items)
    },
  )
}

const at = Date.UTC(2026, 0, 1)
const windowsOf = (windows: number): string[] =>
  Array.from({ length: windows }, (_, i) => `a|${at - i * 1_000}|${at + (windows - i) * 1_000}`)

describe.each([5, 64, 65, 2_000])('a record in %d windows', (windows) => {
  it('has a value of its own in each, also after a crash', async () => {
    const kept = keeping(windows)
    await using driver = testDriver({ failures: 'expect', objects: [kept], partitions: 2 })
    await driver.send(lines, { id: 'a', items: ['x', 'y'] }, { timestamp: at })
    await driver.crash('before-end')
    await driver.send(lines, { id: 'a', items: ['z'] }, { timestamp: at })
    expect(driver.crashes).toBe(1)
    for (const window of windowsOf(windows)) expect(driver.state(kept, window)).toEqual({ items: ['x', 'y', 'z'] })
    expect(driver.output(dlq)).toEqual([])
  })

  it('fails in some of them without harm to the others', async () => {
    const failing = stateObject('kept', {
      state,
      init,
      window: hopping(windows * 1_000, { every: '1s', grace: '1d' }),
    }).on(lines, { key: ({ id }) => id, onError: { attempts: 1 } }, (own, { items }, { window }) => {
      own.items.push(...items.splice(0))
      if ((window.start / 1_000) % 3 === 0) throw new Error('a third of them')
    })
    await using driver = testDriver({ failures: 'expect', objects: [failing], partitions: 2 })
    await driver.send(lines, { id: 'a', items: ['x', 'y'] }, { timestamp: at })
    for (const window of windowsOf(windows)) {
      const isThird = (Number(window.split('|')[1]) / 1_000) % 3 === 0
      expect(driver.state(failing, window)).toEqual(isThird ? undefined : { items: ['x', 'y'] })
    }
    const thirds = windowsOf(windows).filter((window) => (Number(window.split('|')[1]) / 1_000) % 3 === 0)
    expect(driver.output(dlq)).toHaveLength(thirds.length)
  })
})

it('lets timers of the process go on while a record has very many turns', async () => {
  const log = memoryLog({ partitions: 1 })
  await log.send(lines, [{ id: 'a', items: ['x'] }], { timestamp: () => Date.now() })
  const kept = keeping(20_000)
  await using app = createApp({ id: 'app', log, objects: [kept], createTopics: true, logger: silentLogger })
  let longest = 0
  let turnsAtLook = 0
  const looks = setInterval(() => {
    longest = Math.max(longest, app.stats().turns - turnsAtLook)
    turnsAtLook = app.stats().turns
  }, 1)
  await app.start()
  await app.drained()
  clearInterval(looks)
  expect(app.stats()).toMatchObject({ turns: 20_000, commits: expect.any(Number) })
  // Not all between two looks: at most what a slice holds, however slow the machine is.
  expect(longest).toBeLessThan(15_000)
})
