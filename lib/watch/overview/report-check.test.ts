import { account, startedBank } from '../../../test/bank.js'
import { memoryLog } from '../../memory/memory-log.js'
import { token } from '../../../test/bank.js'
import { isReport } from './report-check.js'

/** What an instance tells, as it comes to others. */
async function told(): Promise<Record<string, any>> {
  await using log = memoryLog({ partitions: 2 })
  await using app = await startedBank(log, { objects: [account] })
  const answer = await fetch(`${app.http?.url}/api/instance`, { headers: { authorization: `Bearer ${token}` } })
  return (await answer.json()) as Record<string, any>
}

describe('what an instance tells of itself', () => {
  it('is taken as it is, and also when there is more or less of what may be', async () => {
    const report = await told()
    expect(isReport(report, 'bank')).toBe(true)
    expect(isReport({ ...report, more: { of: 'a newer version' } }, 'bank')).toBe(true)
    expect(isReport({ ...report, health: { ...report['health'], needsOperator: undefined } }, 'bank')).toBe(true)
    expect(isReport(report, 'another')).toBe(false)
  })

  it('is not taken where the page would fall over it', async () => {
    const report = await told()
    const garbage = [null, 7, 'x', [], {}, [null], [7], [[]], [{}], { x: 'y' }, true]
    const parts = Object.keys(report).filter((name) => typeof report[name] === 'object')
    expect(parts).toEqual(expect.arrayContaining(['tasks', 'health', 'counts', 'written', 'kinds', 'connectors']))
    for (const wrong of garbage) expect(isReport(wrong, 'bank')).toBe(false)
    for (const name of ['tasks', 'restoring', 'standbys', 'connectors', 'kinds'])
      for (const wrong of garbage.filter((each) => !(Array.isArray(each) && each.length === 0)))
        expect([name, wrong, isReport({ ...report, [name]: wrong }, 'bank')]).toEqual([name, wrong, false])
    for (const wrong of garbage) {
      expect(isReport({ ...report, health: wrong }, 'bank')).toBe(false)
      expect(isReport({ ...report, commitTime: wrong }, 'bank')).toBe(false)
    }
    for (const wrong of [7, {}, [], null]) {
      expect(isReport({ ...report, version: wrong }, 'bank')).toBe(false)
      expect(isReport({ ...report, health: { ...report['health'], reason: wrong } }, 'bank')).toBe(false)
    }
    for (const wrong of [7, {}, null, [7], 'x'])
      expect(isReport({ ...report, health: { ...report['health'], paused: wrong } }, 'bank')).toBe(false)
    const [task] = report['tasks'] as readonly object[]
    expect(isReport({ ...report, tasks: [{ ...task, partitions: [{}] }] }, 'bank')).toBe(false)
  })
})
