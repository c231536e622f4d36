import { systemClock } from '../../core/clock.js'
import { MillraceError, type ErrorCode } from '../../core/errors.js'
import { silentLogger } from '../../core/logger.js'
import { Counters } from '../../turn/running/counters.js'
import { Refusals } from './refusals.js'

interface Line {
  readonly fields: { readonly suppressed: number }
  readonly message: string
}

function hearing() {
  let now = 0
  const lines: Line[] = []
  const debug: string[] = []
  const counters = new Counters()
  const refusals = new Refusals({
    clock: { ...systemClock, elapsed: () => now },
    logger: {
      ...silentLogger,
      debug: (_fields, message = '') => void debug.push(message),
      warn: (fields, message = '') => void lines.push({ fields: fields as Line['fields'], message }),
    },
    tally: counters.refusals,
  })
  return {
    refusals,
    counters,
    lines,
    debug,
    /** So many records are refused, one after the other. */
    refuse(count: number, topic = 'orders', code: ErrorCode = 'VALUE_INVALID') {
      for (let n = 0; n < count; n++) refusals.hear(new MillraceError(code, `${topic}@${n}`, { topic }), 'dead-letter')
    },
    /** Looked at ten times a second, as the app does. */
    pass(ms: number) {
      for (const end = now + ms; now < end; now += 100) refusals.look()
    },
    commit() {
      counters.sealed()
      counters.committed()
    },
  }
}

const counts = (lines: readonly Line[]): number[] => lines.map(({ fields }) => fields.suppressed)

describe('records that are refused', () => {
  it('are told one by one when they are rare', () => {
    const { refuse, pass, lines } = hearing()
    for (let n = 0; n < 3; n++) {
      refuse(1)
      pass(20_100)
    }
    expect(lines.map(({ message }) => message)).toEqual(['orders@0', 'orders@0', 'orders@0'])
  })

  it('are told every ten seconds when they are many: the first, and how many more with the last of them', () => {
    const { refuse, pass, lines } = hearing()
    refuse(1_000)
    pass(10_100)
    refuse(5)
    pass(30_000)
    refuse(1)
    expect(counts(lines)).toEqual([0, 999, 5, 0])
    expect(lines[1]?.message).toBe('999 more like this in the last 10 s (VALUE_INVALID, orders); the last: orders@999')
  })

  it('are kept apart by code and by topic', () => {
    const { refuse, lines } = hearing()
    refuse(10)
    refuse(10, 'payments')
    refuse(10, 'orders', 'STEP_FAILED')
    expect(lines.map(({ message }) => message)).toEqual(['orders@0', 'payments@0', 'orders@0'])
  })

  it('are counted once when they are done again, before the seal or after it', () => {
    const { refuse, pass, lines, counters, commit } = hearing()
    refuse(5)
    counters.undone()
    refuse(5)
    counters.sealed()
    refuse(3)
    counters.refused()
    counters.undone()
    refuse(8)
    commit()
    refuse(2)
    pass(10_100)
    expect(counts(lines)).toEqual([0, 9])
  })

  it('are told of at the end, whenever it comes', () => {
    const { refuse, pass, lines, refusals } = hearing()
    refuse(3)
    pass(1_000)
    refusals.look(true)
    expect(counts(lines)).toEqual([0, 2])
  })

  it('are told at debug only when a policy skips them', () => {
    const { refusals, lines, debug } = hearing()
    refusals.hear(new MillraceError('VALUE_INVALID', 'orders@0', { topic: 'orders' }), 'skip')
    expect([lines, debug]).toEqual([[], ['a record was skipped: orders@0']])
  })

  it('are of so many sorts at most, also when topics have any name', () => {
    const { refuse, lines, pass } = hearing()
    for (let n = 0; n < 3_000; n++) refuse(1, `topic-${n}`)
    expect(lines).toHaveLength(1_001)
    pass(10_100)
    expect(lines.at(-1)?.fields.suppressed).toBe(1_999)
  })
})
