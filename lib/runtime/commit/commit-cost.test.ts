import { CommitCost } from './commit-cost.js'

describe('what commits cost', () => {
  it('says how far apart they must be to take a tenth of a core', () => {
    let cpuMs = 0
    const cost = new CommitCost(() => cpuMs)
    expect(cost.apartMs).toBe(0)
    const commit = (ms: number, processedMs: number): void => {
      cost.sealing()
      cpuMs += ms + processedMs
      cost.processed(processedMs)
      cost.answered()
      cpuMs += 500
    }
    commit(2, 7)
    expect(cost.apartMs).toBeCloseTo(20)
    for (let i = 0; i < 16; i++) commit(4 + i, i)
    expect(cost.apartMs).toBeCloseTo(40)
    // Time may have passed without any of it being this process's.
    cost.sealing()
    cost.processed(1_000)
    cost.answered()
    expect(cost.apartMs).toBe(0)
  })

  it('is that of the process unless something else is said', () => {
    const cost = new CommitCost()
    cost.sealing()
    const end = process.cpuUsage().user + 20_000
    while (process.cpuUsage().user < end);
    cost.answered()
    expect(cost.apartMs).toBeGreaterThan(0)
  })
})
