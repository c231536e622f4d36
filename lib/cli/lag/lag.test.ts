import { counted, CounterApp, id, lines } from '../../../test/counter-app.js'
import { executeReset } from '../resetting/execute.js'
import { planReset } from '../resetting/plan.js'
import { lagOf } from './lag.js'
import { lagText } from './told.js'

let counting: CounterApp
beforeEach(async () => {
  counting = new CounterApp()
  await counting.run(0, 3)
})
afterEach(() => counting.end())

async function reset(): Promise<void> {
  const { log } = counting
  const plan = await planReset(log, { app: id, aim: { to: 'earliest' }, keepState: false, deadLetters: false })
  const nothing = (): Promise<void> => Promise.resolve()
  await executeReset(log, plan, () => undefined, nothing)
}

describe('lag', () => {
  it('is the sum over what a group reads', async () => {
    await counting.send(3, 4)
    const lag = await lagOf(counting.log.admin, id, { topics: ['app-counter-inbox'], areAll: false })
    expect(lag).toMatchObject({ lag: 4, reason: undefined })
    expect(lagText([lag])).toMatch(/^app: lag 4/m)
  })

  it.each([[[]], [['app-counter-inbox']]])('is unknown when nothing is committed, beside %j', async (topics) => {
    await reset()
    const lag = await lagOf(counting.log.admin, id, { topics, areAll: false })
    expect(lag).toMatchObject({ lag: null, reason: expect.stringMatching(/nothing is committed.*--program/) })
    expect(lagText([lag])).toMatch(/^app: lag unknown: nothing is committed.*--program/m)
    expect(lagText([lag])).not.toMatch(/lag \d/)
  })

  it('is all there is when a program says what is read', async () => {
    await reset()
    const lag = await lagOf(counting.log.admin, id, { topics: [lines.name, counted.name], areAll: true })
    expect(lag).toMatchObject({ reason: undefined })
    expect(lag.lag).toBeGreaterThanOrEqual(24)
    expect(lag.partitions.map(({ committed }) => committed)).toEqual(Array(6).fill(undefined))
  })
})
