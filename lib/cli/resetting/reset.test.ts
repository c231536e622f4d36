import { readdir } from 'node:fs/promises'
import { counted, CounterApp, id, lines, toldOf } from '../../../test/counter-app.js'
import { appendRaw, type RawRecord } from '../../../test/raw-records.js'
import { holdStores } from '../../store/level/held-stores.js'
import type { Aim } from './aims.js'
import { executeReset } from './execute.js'
import { rowsThatStay } from './told.js'
import { planReset, type ResetOptions, type ResetPlan } from './plan.js'

let counting: CounterApp
beforeEach(() => {
  counting = new CounterApp()
})
afterEach(() => counting.end())

const earliest: Aim = { to: 'earliest' }
const plan = (options: Partial<ResetOptions> = {}): Promise<ResetPlan> =>
  planReset(counting.log, { app: id, aim: earliest, keepState: false, deadLetters: false, ...options })

async function reset(options: Partial<ResetOptions> = {}): Promise<ResetPlan> {
  const planned = await plan(options)
  await executeReset(
    counting.log,
    planned,
    () => undefined,
    () => Promise.resolve(),
  )
  return planned
}

/** What is told from now on. */
async function toldBy(work: () => Promise<void>): Promise<string[]> {
  if ((await counting.log.admin.list(counted.name)).length > 0) await counting.log.deleteTopic(counted.name)
  await work()
  return (await counting.log.admin.list(counted.name)).length > 0 ? counting.told() : []
}

it('has an app begin anew: it counts all again, from nothing', async () => {
  await counting.run(0, 3)
  await reset()
  expect(await toldBy(() => counting.run(3, 4))).toEqual(toldOf(4))
})

it.each(['kept', 'lost'])('and again, when local stores are %s', async (disk) => {
  await counting.run(0, 3)
  for (let times = 0; times < 2; times++) {
    await reset()
    if (disk === 'lost') await counting.loseDisk()
    expect(await toldBy(() => counting.run(0, 0))).toEqual(toldOf(3))
  }
})

it('removes local stores, none of which anybody has open', async () => {
  const app = await counting.start()
  await counting.feed(app, 0, 1)
  const dataDir = (await counting.disk()) as string
  await expect(holdStores(dataDir, id)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await app.close()
  await using stores = await holdStores(dataDir, id)
  expect(stores.stores.map(({ task }) => task)).toEqual([0, 1, 2])
  await stores.remove()
  expect(await readdir(dataDir)).toEqual([])
  await using left = await holdStores(dataDir, id)
  expect(left.stores).toEqual([])
})

it('says that published rows stay where what they were made of is not read again', async () => {
  await counting.run(0, 1)
  const said = async (options: Partial<ResetOptions>): Promise<string> => rowsThatStay(await plan(options)).join(' ')
  expect(await said({ aim: { to: 'latest' } })).toMatch(/Published rows stay.*millrace verify.*extra/)
  expect(await said({ aim: { to: 'time', ms: 0 } })).toMatch(/extra/)
  expect(await said({ aim: { to: 'latest' }, keepState: true })).toBe('')
  expect(await said({})).toBe('')
})

it('changes nothing until it is carried out', async () => {
  await counting.run(0, 2)
  const topics = await counting.log.admin.list('')
  const planned = await plan({ deadLetters: true })
  expect([...planned.deleted].sort()).toEqual(['app-counter-changelog', 'app-counter-inbox', 'app-dlq', 'app-timers'])
  expect(planned.offsets.map(({ topic, to }) => [topic, to])).toEqual(Array(3).fill([lines.name, 0]))
  expect(await counting.log.admin.list('')).toEqual(topics)
  expect(await toldBy(() => counting.run(2, 3))).toEqual(toldOf(3).slice(-4))
})

it('keeps dead letters unless they are to go too', async () => {
  await counting.run(0, 1)
  expect((await reset()).kept).toEqual(['app-dlq'])
  expect(await counting.log.admin.list('app-')).toEqual(['app-dlq'])
  await reset({ deadLetters: true })
  expect(await counting.log.admin.list('app-')).toEqual([])
})

describe('where reading begins', () => {
  const at = (seconds: number): number => Date.UTC(2026, 0, 1) + seconds * 1_000
  const recordOf = (n: number): RawRecord => {
    return { key: Buffer.from('a'), value: Buffer.from(`a${n}`), timestamp: at(n), headers: [] }
  }
  /** Of one key, so in one partition. */
  const put = (from: number, to: number): Promise<void> =>
    appendRaw(
      counting.log,
      lines.name,
      1,
      Array.from({ length: to - from }, (_, i) => recordOf(from + i)),
    )

  beforeEach(async () => {
    await counting.log.admin.create([{ name: lines.name, partitions: 3, replicationFactor: -1, configs: {} }])
    await put(0, 5)
    await counting.run(0, 0)
    await put(5, 7)
  })

  it.each<[string, Aim, string[]]>([
    ['the start', earliest, ['a0:1', 'a1:2', 'a2:3', 'a3:4', 'a4:5', 'a5:6', 'a6:7']],
    ['the end', { to: 'latest' }, []],
    ['a time', { to: 'time', ms: at(3) }, ['a3:1', 'a4:2', 'a5:3', 'a6:4']],
    ['between two times', { to: 'time', ms: at(3) + 1 }, ['a4:1', 'a5:2', 'a6:3']],
    ['a time before all', { to: 'time', ms: -5 }, ['a0:1', 'a1:2', 'a2:3', 'a3:4', 'a4:5', 'a5:6', 'a6:7']],
    ['a time after all', { to: 'time', ms: at(100) }, []],
    ['some records back', { to: 'shift', by: -2 }, ['a3:1', 'a4:2', 'a5:3', 'a6:4']],
    ['some records on', { to: 'shift', by: 1 }, ['a6:1']],
    ['more than there are back', { to: 'shift', by: -100 }, ['a0:1', 'a1:2', 'a2:3', 'a3:4', 'a4:5', 'a5:6', 'a6:7']],
    ['more than there are on', { to: 'shift', by: Number.MAX_SAFE_INTEGER }, []],
  ])('is %s', async (_what, aim, told) => {
    await reset({ aim })
    expect(await toldBy(() => counting.run(0, 0))).toEqual(told)
  })

  it('is another place with the state as it is', async () => {
    await reset({ aim: { to: 'shift', by: -2 }, keepState: true })
    expect(await toldBy(() => counting.run(0, 0))).toEqual(['a3:6', 'a4:7', 'a5:8', 'a6:9'])
    await reset({ aim: earliest, keepState: true })
    expect(await toldBy(() => counting.run(0, 0))).toContain('a0:10')
  })
})

describe('is refused', () => {
  it('while somebody runs the app, and says who', async () => {
    await using _app = await counting.start({ instanceId: 'pod-1' })
    await expect(plan()).rejects.toMatchObject({ exit: 'refused', message: expect.stringMatching(/pod-1/) })
  })

  it('when somebody has started the app since', async () => {
    await counting.run(0, 1)
    const planned = await plan()
    await using app = await counting.start()
    const wipe = jest.fn()
    await expect(executeReset(counting.log, planned, () => undefined, wipe)).rejects.toMatchObject({ exit: 'refused' })
    expect(wipe).not.toHaveBeenCalled()
    await counting.feed(app, 1, 2)
    expect(await counting.told()).toEqual(toldOf(2))
  })

  it.each<[string, Partial<ResetOptions>, string]>([
    ['of an app that never ran', { app: 'ap' }, 'notFound'],
    ['of a topic that there is not', { topics: ['line'] }, 'notFound'],
    ['of what is no topic', { topics: ['lines', ''] }, 'usage'],
    ['of two topics in one', { topics: ['lines words'] }, 'usage'],
    ['of a topic that the program does not read', { topics: ['words'], sources: ['lines'] }, 'usage'],
  ])('%s', async (_what, options, exit) => {
    await counting.run(0, 1)
    await expect(plan(options)).rejects.toMatchObject({ exit })
  })
})

it('leaves what is of another app, or read by this one', async () => {
  await counting.run(0, 1)
  const foreign = ['app-two-counter-changelog', 'app2-counter-changelog', 'app-changelog', 'app-my-dlq', 'application']
  for (const name of [...foreign, 'app-source-changelog'])
    await counting.log.admin.create([{ name, partitions: 1, replicationFactor: -1, configs: {} }])
  const { deleted } = await reset({ sources: [lines.name, 'app-source-changelog'], deadLetters: true })
  expect([...deleted].sort()).toEqual(['app-counter-changelog', 'app-counter-inbox', 'app-dlq', 'app-timers'])
})

it('resets some topics and says which stay where they are', async () => {
  await counting.run(0, 1)
  await counting.setOffsets('words', 7)
  const { offsets, untouched } = await plan({ topics: [lines.name] })
  expect(offsets).toHaveLength(3)
  expect(untouched).toEqual(['words'])
})

it.each([1, 2])('can be done again when it was broken off after %s steps', async (steps) => {
  await counting.run(0, 2)
  const planned = await plan()
  let done = 0
  const breaking = executeReset(
    counting.log,
    planned,
    () => {
      if (++done > steps) throw new Error('broken off')
    },
    () => Promise.resolve(),
  )
  await expect(breaking).rejects.toThrow('broken off')
  await reset()
  expect(await toldBy(() => counting.run(0, 0))).toEqual(toldOf(2))
})

it('broken off when topics are gone, an app that is started says so', async () => {
  await counting.run(0, 2)
  let done = 0
  const breaking = executeReset(
    counting.log,
    await plan(),
    () => {
      if (++done > 2) throw new Error('broken off')
    },
    () => Promise.resolve(),
  )
  await expect(breaking).rejects.toThrow('broken off')
  await expect(counting.start()).rejects.toMatchObject({ code: 'TOPIC_MISSING' })
})
