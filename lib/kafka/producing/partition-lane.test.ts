import fc from 'fast-check'
import { Code } from '../connection/error-codes.js'
import { PartitionLane, type Sending } from './partition-lane.js'

/** One partition of a broker as KIP-98 has it: remembers five batches, takes the next one, refuses all others. */
class Broker {
  readonly log: number[] = []

  append(sequence: number): number {
    const known = this.log.lastIndexOf(sequence)
    if (known >= 0) return known >= this.log.length - 5 ? Code.none : Code.outOfOrderSequence
    if (sequence !== this.log.length) return Code.outOfOrderSequence
    this.log.push(sequence)
    return Code.none
  }
}

const nothing = (): void => undefined

function laneOf(batches: number): PartitionLane {
  const lane = new PartitionLane()
  for (let i = 0; i < batches; i++) {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(lane.takeSequence(1))
    lane.add({ topic: 't', partition: 0, bytes, resolve: nothing, reject: nothing })
  }
  return lane
}

describe('the batches of a partition', () => {
  it('arrive exactly once and in order, whichever requests and answers are lost', () => {
    const fate = fc.constantFrom('answered', 'answered', 'request lost', 'answer lost', 'refused for now')
    const fates = fc.array(fate, { minLength: 0, maxLength: 200 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fates, fc.array(fc.boolean()), (batches, allFates, allWaits) => {
        const [coming, early] = [[...allFates], [...allWaits]]
        const broker = new Broker()
        const lane = laneOf(batches)
        const sent: { readonly batch: Sending; readonly code: number }[] = []
        const send = (): boolean => {
          const batch = lane.next()
          if (batch === undefined) return false
          const what = coming.pop() ?? 'answered'
          const arrives = what === 'answered' || what === 'answer lost'
          const code = arrives ? broker.append(batch.bytes.readInt32BE()) : Code.notLeader
          sent.push({ batch, code: what === 'answer lost' ? Code.networkException : code })
          return true
        }
        const answer = (): void => {
          const { batch, code } = sent.shift()!
          if (code === Code.none) return lane.acknowledge(batch)
          expect(lane.mayPass(batch, code)).toBe(true)
          lane.sendAgain(batch)
        }
        while (!lane.idle) {
          const waits = early.pop() ?? false
          if (!waits || sent.length === 0) while (send());
          if (sent.length > 0) answer()
          if (lane.mustRecover) lane.recover()
        }
        expect(broker.log).toEqual(Array.from({ length: batches }, (_, i) => i))
      }),
      { numRuns: 500 },
    )
  })

  it('are five at most from the first that is not answered on', () => {
    const lane = laneOf(9)
    const sent = Array.from({ length: 5 }, () => lane.next()!)
    expect(lane.next()).toBeUndefined()
    lane.acknowledge(sent[3]!)
    expect(lane.next()).toBeUndefined()
    lane.acknowledge(sent[0]!)
    expect(lane.next()).toBeDefined()
    expect(lane.next()).toBeUndefined()
  })

  it('are five at most from the first unanswered on although some behind it were acknowledged before a failure', () => {
    const lane = laneOf(9)
    const sent = Array.from({ length: 5 }, () => lane.next()!)
    lane.sendAgain(sent[0]!)
    lane.sendAgain(sent[1]!)
    for (const batch of sent.slice(2)) lane.acknowledge(batch)
    lane.recover()
    lane.acknowledge(lane.next()!)
    expect(lane.next()).toBe(sent[1])
    expect(lane.next()?.order).toBe(5)
    expect(lane.next()).toBeUndefined()
  })

  it('go one at a time after a failure, until one is acknowledged', () => {
    const lane = laneOf(4)
    lane.sendAgain(lane.next()!)
    lane.recover()
    const first = lane.next()!
    expect(lane.next()).toBeUndefined()
    lane.acknowledge(first)
    expect([lane.next(), lane.next()]).not.toContain(undefined)
  })

  it('go again in their order although a later one failed first', () => {
    const lane = laneOf(2)
    const [first, second] = [lane.next()!, lane.next()!]
    lane.sendAgain(second)
    lane.sendAgain(first)
    lane.recover()
    expect(lane.next()).toBe(first)
  })

  it('are out of order for good when nothing before them is unanswered', () => {
    const lane = laneOf(1)
    expect(lane.mayPass(lane.next()!, Code.outOfOrderSequence)).toBe(false)
  })

  it('have sequence numbers that wrap around', () => {
    const lane = new PartitionLane()
    lane.takeSequence(0x7fff_ffff)
    expect(lane.takeSequence(3)).toBe(0x7fff_ffff)
    expect(lane.takeSequence(1)).toBe(2)
  })

  it('count what set them back until one has arrived', () => {
    const lane = laneOf(1)
    for (let setbacks = 1; setbacks <= 3; setbacks++) {
      lane.sendAgain(lane.next()!)
      lane.recover()
      expect(lane.setbacks).toBe(setbacks)
    }
    lane.acknowledge(lane.next()!)
    expect(lane.setbacks).toBe(0)
  })
})
