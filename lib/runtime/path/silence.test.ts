import { z } from 'zod'
import { systemClock } from '../../core/clock.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { RecordTimes } from '../../turn/due/record-times.js'
import { SourceTime } from '../../turn/due/source-time.js'
import { Task } from '../tasks/task.js'
import { Silence } from './silence.js'

const lines = topic('lines', z.string())

/** A source partition that has been read to its end, as far as fetches know. */
async function world() {
  let now = 1_000_000
  const clock = { ...systemClock, now: () => now }
  const log = memoryLog({ partitions: 1 })
  await log.send(lines, [])
  const time = new SourceTime('lines', true, new RecordTimes(new Map(), clock))
  const task = new Task(0, undefined, { positions: new Map([['lines', 0]]), isKnown: true }, new Map([['lines', time]]))
  let answered = (): void => undefined
  const silence = new Silence({
    admin: log.admin,
    clock,
    logger: silentLogger,
    endOf: () => undefined,
    isPaused: () => false,
    onAnswer: () => answered(),
  })
  const look = async (): Promise<void> => {
    const answer = new Promise<void>((resolve) => (answered = resolve))
    silence.look([task])
    if (silence.isAsking) await answer
  }
  const pass = (ms: number): void => void (now += ms)
  return { log, time, task, look, pass }
}

describe('a source partition', () => {
  it('is silent when it has given nothing for five seconds', async () => {
    const { time, look, pass } = await world()
    await look()
    expect(time.isSilent).toBeUndefined()
    pass(4_999)
    await look()
    expect(time.isSilent).toBeUndefined()
    pass(1)
    await look()
    expect(time.isSilent).toBe(true)
  })

  it('is not silent when its process has been stopped, and finds what came meanwhile', async () => {
    const { log, time, look, pass } = await world()
    await look()
    await log.send(lines, ['a'])
    pass(60_000)
    await look()
    expect(time.isSilent).toBe(false)
    expect(time.news).toMatchObject({ isSilent: false })
  })

  it('says at once that there is something to be read, however long that will take', async () => {
    const { log, time, look } = await world()
    await log.send(lines, ['a'])
    await look()
    expect(time.news).toEqual({ latest: -Infinity, isSilent: false, position: undefined })
  })

  it('is silent still when what was done since is taken back, and awake when that was read again', async () => {
    const { time, task, look, pass } = await world()
    await look()
    pass(5_000)
    await look()
    task.seal()
    time.see(7)
    task.positions.set('lines', 1)
    task.lookAtTime(1_006_000, 1)
    expect(time.news).toEqual({ latest: 7, isSilent: false, position: undefined })
    task.rewind(1_006_000)
    expect([time.latest, time.isSilent, time.news]).toEqual([-Infinity, true, undefined])
    time.see(7)
    task.positions.set('lines', 1)
    task.lookAtTime(1_007_000, 1)
    expect(time.news).toEqual({ latest: 7, isSilent: false, position: undefined })
  })

  it('is told of again when the commit that told it was aborted', async () => {
    const { time, task, look, pass } = await world()
    await look()
    pass(5_000)
    await look()
    expect(task.moved).toBe(true)
    task.seal()
    expect(time.news).toBeUndefined()
    await task.rewindToCommitted(1_005_000)
    pass(1)
    await look()
    expect(time.news).toEqual({ latest: -Infinity, isSilent: true, position: 0 })
  })
})
