import { judge, type Facts } from './app-state.js'

const running: Facts = {
  app: 'orders',
  end: undefined,
  stage: 'member',
  loaded: undefined,
  trouble: undefined,
  commitMs: 0,
  holds: true,
  awaitsRound: false,
  taking: [],
  assigned: 4,
  restored: undefined,
}

const stateOf = (facts: Partial<Facts>): string => judge({ ...running, ...facts }).state

describe('the state of an app', () => {
  it('is running, without a reason, when all tasks run and commits get through', () => {
    expect(judge(running)).toEqual({ state: 'running', reason: undefined })
  })

  it('is starting until the group has given it a first assignment', () => {
    const reasons = (['new', 'opening', 'loading', 'joining'] as const).map((stage) =>
      judge({ ...running, stage, loaded: 'customers 41 %', holds: false }),
    )
    expect(reasons.map(({ state }) => state)).toEqual(['starting', 'starting', 'starting', 'starting'])
    expect(reasons.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('call start()'),
      expect.stringContaining('topics'),
      expect.stringContaining('lookup tables, which must be complete before the first turn: customers 41 %'),
      expect.stringContaining('consumer group'),
    ])
  })

  it('is restoring while tasks are taken over, and says which and how far they are', () => {
    const judged = judge({ ...running, taking: [1, 3], restored: '5 of 9 records' })
    expect(judged).toEqual({
      state: 'restoring',
      reason: '2 of 4 tasks are being taken over (1, 3): 5 of 9 records',
    })
  })

  it('is rebalancing without an assignment, or when a commit waits for one, however long', () => {
    expect(stateOf({ holds: false })).toBe('rebalancing')
    expect(stateOf({ awaitsRound: true, commitMs: 60_000 })).toBe('rebalancing')
  })

  it('is degraded when brokers do not answer, whatever else it does, and names them', () => {
    const trouble = 'no answer from broker a:9092 for 4 s (refused)'
    for (const facts of [{}, { stage: 'opening' as const }, { holds: false }, { taking: [1] }]) {
      const { state, reason } = judge({ ...running, ...facts, trouble })
      expect(state).toBe('degraded')
      expect(reason).toContain(trouble)
    }
  })

  it('is degraded when a commit has been under way for too long', () => {
    expect(stateOf({ commitMs: 2_499 })).toBe('running')
    expect(stateOf({ commitMs: 2_500 })).toBe('degraded')
  })

  it('is closed at its end, brokers or not, and says what stopped it', () => {
    for (const trouble of [undefined, 'no answer']) {
      expect(stateOf({ end: 'closing', trouble })).toBe('closed')
      expect(stateOf({ end: 'closed', trouble })).toBe('closed')
      const stopped = judge({ ...running, trouble, end: { error: new Error('x'), reason: 'disk full' } })
      expect(stopped).toEqual({ state: 'closed', reason: expect.stringContaining('disk full') })
    }
  })
})
