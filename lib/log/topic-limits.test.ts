import { systemClock } from '../core/clock.js'
import { silentLogger } from '../core/logger.js'
import { BatchRules, batchLimit } from './batch-rules.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { TopicLimits } from './topic-limits.js'

interface Setting {
  readonly log: MemoryLog
  readonly rules: BatchRules
  readonly limits: TopicLimits
  /** As when its time has come. */
  readonly look: () => Promise<void>
}

async function setting(): Promise<Setting> {
  const log = memoryLog({ partitions: 1 })
  await log.admin.create([
    { name: 't', partitions: 1, replicationFactor: -1, configs: { 'max.message.bytes': '1000' } },
  ])
  const rules = new BatchRules()
  rules.note('t', new Map([['max.message.bytes', '1000']]))
  let tick = (): void => undefined
  const clock = {
    ...systemClock,
    every: (_ms: number, then: () => void) => {
      tick = then
      return () => undefined
    },
  }
  const limits = new TopicLimits({ rules, admin: log.admin, clock, logger: silentLogger })
  const look = async (): Promise<void> => {
    tick()
    for (let i = 0; i < 5; i++) await systemClock.breathe()
  }
  return { log, rules, limits, look }
}

const batch = (bytes: number, records: number) => ({ bytes: new Uint8Array(bytes), records })

describe('the limits of topics', () => {
  it('are looked at from time to time: what was raised is made use of', async () => {
    const { log, rules, look } = await setting()
    await log.configure('t', { 'max.message.bytes': '5000' })
    expect(rules.of('t').maxBytes).toBe(1000)
    await look()
    expect(rules.of('t').maxBytes).toBe(5000)
  })

  it('are asked for again when a batch is refused', async () => {
    const { log, rules, limits } = await setting()
    await log.configure('t', { 'max.message.bytes': '300' })
    expect(await limits.refused('t', batch(900, 5))).toBe(true)
    expect(rules.of('t').maxBytes).toBe(300)
  })

  it('count a segment too, which a batch must fit', async () => {
    const { log, rules, look } = await setting()
    await log.configure('t', { 'segment.bytes': '400' })
    await look()
    expect(rules.of('t').maxBytes).toBe(400)
  })

  it('say no where a batch is refused that was known to be too large', async () => {
    const { limits } = await setting()
    expect(await limits.refused('t', batch(1001, 1))).toBe(false)
  })

  it('are found by refusals where settings tell of none, until these change', async () => {
    const { log, rules, limits, look } = await setting()
    expect(await limits.refused('t', batch(900, 5))).toBe(true)
    expect([rules.of('t').maxBytes, batchLimit(rules.of('t'))]).toEqual([1000, 450])
    expect(await limits.refused('t', batch(440, 2))).toBe(true)
    expect([rules.of('t').maxBytes, batchLimit(rules.of('t'))]).toEqual([1000, 220])
    expect(await limits.refused('t', batch(500, 1))).toBe(true)
    expect([rules.of('t').maxBytes, batchLimit(rules.of('t'))]).toEqual([499, 220])
    expect(await limits.refused('t', batch(500, 1))).toBe(false)
    await look()
    expect(rules.of('t').maxBytes).toBe(499)
    await log.configure('t', { 'max.message.bytes': '600' })
    await look()
    expect([rules.of('t').maxBytes, batchLimit(rules.of('t'))]).toEqual([600, 600])
  })
})
