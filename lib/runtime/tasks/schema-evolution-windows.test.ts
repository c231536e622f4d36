import { accountsV1, accountsV3, burstsV1, burstsV3, days, periods } from '../../../test/accounts.js'
import { readAll } from '../../../test/reading.js'
import { Deployments, objectsOf } from '../../../test/versions.js'
import type { Window } from '../../model/window.js'

const hour = 3_600_000
const day = 24 * hour

const v1 = (window: Window) =>
  accountsV1(window).onClose(({ cents }, turn) => turn.emit(periods, { balance: cents / 100, from: turn.window.start }))
const v3 = (window: Window) =>
  accountsV3(window).onClose(({ balance }, turn) => turn.emit(periods, { balance, from: turn.window.start }))

let bank: Deployments
beforeEach(() => {
  bank = new Deployments()
})
afterEach(() => bank.end())

async function closed(): Promise<readonly string[]> {
  return (await readAll(bank.log, periods)).map(({ key, value }) => `${key} ${value?.from} ${value?.balance}`).sort()
}

describe.each([
  ['whose store is kept', 0],
  ['whose store is lost', 1],
])('an app %s', (_what, disk) => {
  it('migrates windows that are open, those that nothing comes to any more included, before it closes them', async () => {
    await bank.run(v1(days), [
      ['a', 1, 0],
      ['b', 2, hour],
    ])
    const app = await bank.start(v3(days), disk)
    await bank.pay(['a', 10, 2 * hour])
    await app.drained()
    expect(await objectsOf(app, v3(days))).toEqual({
      [`a|0|${day}`]: { balance: 11, count: 2 },
      [`b|0|${day}`]: { balance: 2, count: 1 },
    })
    await bank.pay(['c', 3, day])
    await app.drained()
    expect(await closed()).toEqual(['a 0 11', 'b 0 2'])
    expect(await objectsOf(app, v3(days))).toEqual({ [`c|${day}|${2 * day}`]: { balance: 3, count: 1 } })
  })

  it('migrates each session of an object', async () => {
    await bank.run(v1(burstsV1), [
      ['a', 1, 0],
      ['a', 2, 5 * hour],
      ['b', 4, 5 * hour],
    ])
    const app = await bank.start(v3(burstsV3), disk)
    await bank.pay(['a', 10, 5 * hour + 1], ['a', 100, hour - 1])
    await app.drained()
    expect(await objectsOf(app, v3(burstsV3))).toEqual({
      [`a|0|${2 * hour - 1}`]: { balance: 101, count: 2 },
      [`a|${5 * hour}|${6 * hour + 1}`]: { balance: 12, count: 2 },
      [`b|${5 * hour}|${6 * hour}`]: { balance: 4, count: 1 },
    })
    await bank.pay(['c', 1, 3 * day])
    await app.drained()
    expect(await closed()).toEqual(['a 0 101', `a ${5 * hour} 12`, `b ${5 * hour} 4`])
    await app.close()
    // What is listed as due follows from values with a version too.
    const next = await bank.start(v3(burstsV3), 2)
    await bank.pay(['d', 1, 6 * day])
    await next.drained()
    expect(await closed()).toContain(`c ${3 * day} 1`)
  })

  it('refuses sessions of a newer version', async () => {
    await bank.run(v3(burstsV3), [['a', 1, 0]])
    const app = await bank.app(v1(burstsV1), disk)
    await expect(app.start()).rejects.toMatchObject({ code: 'STATE_NEWER', kind: 'account' })
  })
})
