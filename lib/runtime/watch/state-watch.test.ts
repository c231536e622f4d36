import { listeningLogger } from '../../../test/reading.js'
import { systemClock } from '../../core/clock.js'
import type { Logger } from '../../core/logger.js'
import type { AppState } from './app-state.js'
import { StateWatch, type StateChange } from './state-watch.js'

interface Watching {
  readonly watch: StateWatch
  readonly changes: StateChange[]
  /** Time passes, and it is looked every 50 ms. */
  is(state: AppState, ms: number): void
}

function watching(logger: Logger): Watching {
  let now = 0
  const watch = new StateWatch('orders', { ...systemClock, elapsed: () => now }, logger)
  const changes: StateChange[] = []
  watch.onChange((change) => changes.push(change))
  return {
    watch,
    changes,
    is(state, ms) {
      for (const end = now + ms; now < end; now += 50)
        watch.look({ state, reason: state === 'running' ? undefined : state })
    },
  }
}

const path = (changes: readonly StateChange[]): string => changes.map(({ to }) => to).join(' ')

describe('changes of state', () => {
  it('are told and logged once each, a degraded app as a warning', () => {
    const logger = listeningLogger()
    const { is, changes } = watching(logger)
    is('starting', 1_000)
    is('running', 1_000)
    is('degraded', 1_000)
    is('running', 1_000)
    is('closed', 1_000)
    expect(changes).toEqual([
      { from: 'starting', to: 'running', reason: undefined },
      { from: 'running', to: 'degraded', reason: 'degraded' },
      { from: 'degraded', to: 'running', reason: undefined },
      { from: 'running', to: 'closed', reason: 'closed' },
    ])
    expect(logger.warnings).toEqual([`app 'orders' is degraded (was running): degraded`])
  })

  it('leave out what is over in a moment, also when two such states follow each other', () => {
    const { is, changes } = watching(listeningLogger())
    is('running', 1_000)
    for (let round = 0; round < 5; round++) {
      is('rebalancing', 100)
      is('restoring', 100)
      is('running', 1_000)
    }
    expect(path(changes)).toBe('running')
    is('rebalancing', 150)
    is('restoring', 200)
    is('running', 50)
    expect(path(changes)).toBe('running restoring running')
  })

  it('reach other listeners when one throws or rejects, which is logged', async () => {
    const errors: string[] = []
    const logger = { ...listeningLogger(), error: (_: object, message?: string) => void errors.push(message ?? '') }
    const { watch, is, changes } = watching(logger)
    const all: StateChange[] = []
    watch.onChange(() => {
      throw new Error('mine')
    })
    watch.onChange((() => Promise.reject(new Error('late'))) as () => void)
    watch.onChange((change) => all.push(change))
    is('running', 100)
    await systemClock.breathe()
    expect(all).toEqual(changes)
    expect(errors).toEqual([expect.stringContaining('mine'), expect.stringContaining('late')])
  })

  it('are not told to a listener that was taken out', () => {
    const { watch, is } = watching(listeningLogger())
    const told: StateChange[] = []
    const stop = watch.onChange((change) => told.push(change))
    is('running', 100)
    stop()
    is('degraded', 1_000)
    expect(path(told)).toBe('running')
  })
})
