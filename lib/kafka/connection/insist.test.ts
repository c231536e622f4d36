import type { Clock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import { silentLogger } from '../../core/logger.js'
import { Code } from './error-codes.js'
import { insist, type Patience, TryAgain } from './insist.js'
import { LinkLost, LinkRefused } from './link.js'

/** Time passes only in pauses, which are written down. */
function patience({ accepted = true, closed = new AbortController() } = {}): Patience & { readonly pauses: number[] } {
  const pauses: number[] = []
  let now = 0
  const clock: Clock = {
    now: () => now,
    elapsed: () => now,
    sleep: async (ms) => {
      pauses.push(ms)
      now += ms
    },
    breathe: async () => undefined,
    every: () => () => undefined,
  }
  return { clock, logger: silentLogger, closed: closed.signal, wasAccepted: () => accepted, pauses }
}

/** Fails with these in turn, then answers. */
const failing = (...errors: Error[]): (() => Promise<string>) => {
  return async () => {
    const error = errors.shift()
    if (error !== undefined) throw error
    return 'answer'
  }
}

describe('insisting', () => {
  it('pauses longer and longer while brokers are away, a quarter of a second at most', async () => {
    const away = patience()
    await expect(insist(away, 'x', failing(...Array.from({ length: 9 }, () => new LinkLost('gone'))))).resolves.toBe(
      'answer',
    )
    expect(away.pauses).toEqual([10, 20, 40, 80, 160, 250, 250, 250, 250])
  })

  it('waits a millisecond for a transaction that is being ended', async () => {
    const busy = patience()
    await insist(
      busy,
      'x',
      failing(TryAgain.because(Code.concurrentTransactions), TryAgain.because(Code.concurrentTransactions)),
    )
    expect(busy.pauses).toEqual([1, 2])
  })

  it('rejects with what is definite', async () => {
    const definite = new MillraceError('FENCED', 'no')
    await expect(insist(patience(), 'x', failing(new TryAgain('later'), definite))).rejects.toBe(definite)
  })

  it('gives a topic five seconds to appear', async () => {
    const missing = async (): Promise<never> => {
      throw TryAgain.because(Code.unknownTopicOrPartition, { topic: 't', partition: 3 })
    }
    const waiting = patience()
    const facts = { code: 'TOPIC_MISSING', topic: 't', partition: 3 }
    await expect(insist(waiting, 'x', missing)).rejects.toMatchObject(facts)
    expect(waiting.pauses.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(5_000)
  })

  it('takes being refused for a wrong option at first, and for passing trouble once it was accepted', async () => {
    const wrong = insist(patience({ accepted: false }), 'x', failing(new LinkRefused('wrong password')))
    await expect(wrong).rejects.toMatchObject({ code: 'BROKER_REFUSED' })
    await expect(insist(patience(), 'x', failing(new LinkRefused('expired')))).resolves.toBe('answer')
  })

  it('ends when it is closed', async () => {
    const closed = new AbortController()
    const attempt = async (): Promise<never> => {
      closed.abort()
      throw new LinkLost('gone')
    }
    await expect(insist(patience({ closed }), 'x', attempt)).rejects.toMatchObject({ code: 'APP_CLOSED' })
  })
})
