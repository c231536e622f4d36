import fc from 'fast-check'
import { noHeaders, surrounded } from '../../log/format/header-section.js'
import { packHop } from './hop.js'
import { packMark, readMark } from './mark.js'

const entry = fc.record({
  topic: fc.string({ unit: 'binary', minLength: 1 }).filter((name) => name.isWellFormed()),
  partition: fc.nat(),
  latest: fc.oneof(fc.integer(), fc.constantFrom(-Infinity, -1, 0, 8.64e15)),
  isSilent: fc.boolean(),
  position: fc.oneof(fc.constant(undefined), fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER)),
})

describe('a mark', () => {
  it('says what was told', () => {
    fc.assert(fc.property(fc.array(entry), (entries) => expect(readMark(packMark(entries))).toEqual(entries)))
  })

  it('is not found in other records', () => {
    expect(readMark(noHeaders)).toBeUndefined()
    expect(readMark(surrounded([['mr-marks', Buffer.of(1)]], noHeaders, []))).toBeUndefined()
    const record = { topic: 't', partition: 0, offset: 0, timestamp: 0, key: null, value: null, headers: noHeaders }
    const hop = { source: 's', record, way: 0, element: 0, letter: undefined, streamTime: undefined }
    expect(readMark(packHop(hop as never))).toBeUndefined()
  })

  it('of another form, cut off or too long is a RangeError', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const outcome = attempt(() => readMark(surrounded([['mr-mark', bytes]], noHeaders, [])))
        expect(outcome instanceof RangeError || Array.isArray(outcome)).toBe(true)
      }),
    )
  })
})

function attempt(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}
