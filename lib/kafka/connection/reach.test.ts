import { systemClock } from '../../core/clock.js'
import { Reach } from './reach.js'

const broker = 'a:9092'

function reachAt(): { reach: Reach; pass: (ms: number) => void } {
  let now = 0
  return { reach: new Reach({ ...systemClock, elapsed: () => now }), pass: (ms) => void (now += ms) }
}

describe('what is said about brokers', () => {
  it('is nothing while they answer, and none that nobody has asked is missed', () => {
    const { reach, pass } = reachAt()
    expect(reach.trouble).toBeUndefined()
    const asked = reach.asking(broker, 0)
    pass(1_900)
    asked.answered()
    pass(60_000)
    expect(reach.trouble).toBeUndefined()
  })

  it('names one that refuses connections for two seconds, with the last error', () => {
    const { reach, pass } = reachAt()
    for (let tries = 0; tries < 30; tries++) {
      const asked = reach.asking(broker, 0)
      expect(reach.trouble === undefined).toBe(tries < 20)
      asked.failed(`refused ${tries}`)
      pass(100)
    }
    expect(reach.trouble).toBe('no answer from broker a:9092 for 3 s (refused 29)')
    reach.asking(broker, 0).answered()
    expect(reach.trouble).toBeUndefined()
  })

  it('names one that takes requests and does not answer, before any of them times out', () => {
    const { reach, pass } = reachAt()
    reach.asking(broker, 0)
    pass(2_000)
    expect(reach.trouble).toMatch(/^no answer from broker a:9092 for 2 s/)
  })

  it('is nothing about one that answers other requests meanwhile', () => {
    const { reach, pass } = reachAt()
    reach.asking(broker, 0)
    for (let seconds = 0; seconds < 5; seconds++) {
      reach.asking(broker, 0).answered()
      pass(1_000)
      expect(reach.trouble).toBeUndefined()
    }
  })

  it('is nothing about a request that blocks by its nature, until its time is over', () => {
    const { reach, pass } = reachAt()
    reach.asking(broker, 60_000)
    pass(61_000)
    expect(reach.trouble).toBeUndefined()
    pass(1_000)
    expect(reach.trouble).toBeDefined()
  })

  it('counts from when a connection was tried that only fails after its time-out', () => {
    const { reach, pass } = reachAt()
    const asked = reach.asking(broker, 0)
    pass(3_000)
    asked.failed('timed out')
    reach.asking(broker, 0)
    expect(reach.trouble).toBe('no answer from broker a:9092 for 3 s (timed out)')
  })

  it('ends for one that has left the cluster, or that nobody asks any more', () => {
    for (const end of ['left', 'unasked']) {
      const { reach, pass } = reachAt()
      const asked = reach.asking(broker, 0)
      pass(3_000)
      asked.failed('gone')
      expect(reach.trouble).toBeDefined()
      if (end === 'left') reach.are(new Set(['b:9092']))
      else pass(5_000)
      expect(reach.trouble).toBeUndefined()
    }
  })

  it('is not moved by requests that our own end cut off', () => {
    const { reach, pass } = reachAt()
    reach.asking(broker, 0).dropped()
    pass(10_000)
    expect(reach.trouble).toBeUndefined()
  })
})
