import { runnerOptions, until, untilAborted } from '../../../test/source-world.js'
import { text } from '../../codec/codec.js'
import { systemClock, type Clock } from '../../core/clock.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { source } from '../definitions.js'
import type { SourceBatch, SourceConnector } from '../source.js'
import { SourceRunner } from './source-runner.js'

const longestPauseMs = 60_000

/** Shorter sleeps than the longest pause are over at once; that one when it is told to be. */
function impatientClock(): { readonly clock: Clock; pass: () => void } {
  let pass = (): void => undefined
  const passed = new Promise<void>((resolve) => (pass = resolve))
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    if (ms < longestPauseMs) return
    const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([passed, aborted])
  }
  return { clock: { ...systemClock, sleep }, pass }
}

function runnerOf(clock: Clock, open: SourceConnector['open']) {
  const pauses: number[] = []
  const heard = (fields: object): void => {
    const { pauseMs } = fields as { pauseMs?: number }
    if (pauseMs !== undefined) pauses.push(pauseMs)
  }
  const runner = new SourceRunner(
    runnerOptions(memoryLog({ partitions: 1 }), { clock, logger: { ...silentLogger, warn: heard, debug: heard } }),
    source('slow', {
      into: topic('lines', text()),
      from: { kind: 'slow', delivery: 'acknowledged', open },
      backoff: 1,
      maxBackoff: longestPauseMs,
    }),
  )
  return { runner, pauses }
}

function failed(): readonly SourceBatch[] {
  throw new Error('no answer')
}

describe('a source that takes its time to fail', () => {
  it('is waited for longer each time, and is not said to run meanwhile', async () => {
    const states: string[] = []
    const { runner, pauses } = runnerOf(impatientClock().clock, async function* () {
      // Longer than the pause before, such as a program that must start first, or a host that does not answer.
      for (let i = 0; i < 10; i++) await systemClock.breathe()
      if (runner.stats.retries > 0) states.push(runner.health.state)
      yield* failed()
    })
    await runner.start()
    await until(() => Promise.resolve(pauses.length >= 8))
    await runner.close()
    expect(pauses.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 64, 128])
    expect(new Set(states)).toEqual(new Set(['retrying']))
  })

  it('runs again when it has stayed open for longer than the longest pause, and then begins with the first pause', async () => {
    const { clock, pass } = impatientClock()
    let fail = (): void => undefined
    let opened = 0
    const { runner, pauses } = runnerOf(clock, async function* () {
      if (++opened === 3) await new Promise<void>((resolve) => (fail = resolve))
      yield* failed()
    })
    await runner.start()
    await until(() => Promise.resolve(opened === 3))
    expect(runner.health.state).toBe('retrying')
    pass()
    await until(() => Promise.resolve(runner.health.state === 'running'))
    fail()
    await until(() => Promise.resolve(pauses.length >= 3))
    await runner.close()
    expect(pauses.slice(0, 3)).toEqual([1, 2, 1])
  })

  it('runs again as soon as it gives a batch, also one without records', async () => {
    let opened = 0
    const { runner } = runnerOf(impatientClock().clock, async function* ({ signal }) {
      if (++opened === 1) throw new Error('no answer')
      yield { records: [] }
      await untilAborted(signal)
    })
    await runner.start()
    await until(() => Promise.resolve(opened === 2 && runner.health.state === 'running'))
    await runner.close()
    expect(runner.stats).toMatchObject({ retries: 1, commits: 0 })
  })
})
