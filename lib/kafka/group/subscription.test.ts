import fc from 'fast-check'
import { decodeAssignment, decodeTold, encodeAssignment, encodeSubscription } from './subscription.js'

describe('what members and leader exchange', () => {
  it('arrives as it was told, whatever round was asked for', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.uint8Array(), fc.nat(), (topics, told, round) => {
        const decoded = decodeTold('member', encodeSubscription(topics, told, round))
        expect({ ...decoded, told: new Uint8Array(decoded.told) }).toEqual({ id: 'member', told })
      }),
    )
  })

  it('differs when a round is asked for and nothing else has changed', () => {
    const told = Buffer.from('same')
    expect(encodeSubscription(['t'], told, 1)).not.toEqual(encodeSubscription(['t'], told, 2))
    expect(encodeSubscription(['t'], told, 1)).toEqual(encodeSubscription(['t'], told, 1))
  })

  it('carries assignments of several topics', () => {
    const partitions = [
      { topic: 'a', partition: 0 },
      { topic: 'a', partition: 7 },
      { topic: 'b', partition: 1 },
    ]
    expect(decodeAssignment(encodeAssignment({ partitions, told: Buffer.from('x') }))).toEqual({
      partitions,
      told: Buffer.from('x'),
    })
  })

  it('takes no bytes for an empty assignment', () => {
    expect(decodeAssignment(Buffer.alloc(0)).partitions).toEqual([])
  })

  it('has the format of the consumer protocol, version 1', () => {
    const bytes = encodeSubscription(['t'], Buffer.from([0xaa]), 2).toString('hex')
    expect(bytes).toBe('0001' + '00000001' + '000174' + '00000005' + '00000002aa' + '00000000')
  })
})
