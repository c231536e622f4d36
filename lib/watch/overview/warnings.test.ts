import { systemClock } from '../../core/clock.js'
import { silentLogger, type Logger } from '../../core/logger.js'
import { Warnings } from './warnings.js'

describe('the last warnings', () => {
  it('are those that passed, latest first, with the reason where the sentence does not say it', () => {
    const passed: unknown[] = []
    const logger: Logger = {
      ...silentLogger,
      warn: (...args) => void passed.push(args),
      error: (...args) => void passed.push(args),
    }
    const warnings = new Warnings(systemClock, 'one')
    const over = warnings.over(logger)
    over.info({}, 'nothing')
    over.warn({ topic: 't' }, 'first')
    over.error({ err: new Error('the disk is full') }, 'second')
    over.warn({ err: { message: 'gone' } }, 'it is gone')
    over.warn({ reason: 'no leader' }, 'still trying')
    expect(warnings.last.map(({ level, message, instance, seq }) => [seq, level, message, instance])).toEqual([
      [4, 'warn', 'still trying: no leader', 'one'],
      [3, 'warn', 'it is gone', 'one'],
      [2, 'error', 'second: the disk is full', 'one'],
      [1, 'warn', 'first', 'one'],
    ])
    expect(passed).toHaveLength(4)
  })

  it('are bounded, and hold no secrets', () => {
    const warnings = new Warnings(systemClock, 'one', ['s3cret-token', ''])
    const over = warnings.over(silentLogger)
    for (let i = 0; i < 1_000; i++) over.warn({ password: 'in a field' }, `${'x'.repeat(1_990)} s3cret-token ${i}`)
    expect(warnings.last).toHaveLength(200)
    expect(warnings.last[0]?.seq).toBe(1_000)
    const text = JSON.stringify(warnings.last)
    expect(text).not.toContain('s3cret')
    expect(text).not.toContain('in a field')
    expect(Math.max(...warnings.last.map(({ message }) => message.length))).toBeLessThan(2_100)
  })

  it('take whatever is logged', () => {
    const warnings = new Warnings(systemClock, 'one')
    const over = warnings.over(silentLogger)
    const hostile = {
      get err() {
        throw new Error('no')
      },
    }
    over.warn(hostile, 'text')
    over.warn(null as never, undefined)
    over.error({ err: null }, 7 as never)
    expect(warnings.last.map(({ message }) => message)).toEqual(['', '', 'text'])
  })
})
