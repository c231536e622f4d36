import { TapBatches } from './tap-batches.js'

it('holds as much memory as its records weigh, however little of what was read they are', () => {
  const maxHeldBytes = 4_000_000
  const batches = new TapBatches('tap', {}, { waits: true, maxHeldBytes })
  for (let i = 0; i < 10_000; i++) {
    const bytes = Buffer.from(new ArrayBuffer(65_536)).subarray(7, 27)
    bytes.fill(`record ${i} `)
    batches.record({ bytes, at: `line ${i}` }, bytes.length)
  }
  batches.state(1)
  const { records } = batches.take()!
  const held = new Set(records.map(({ bytes }) => bytes!.buffer))
  expect([...held].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(2 * maxHeldBytes)
  expect(records).toHaveLength(10_000)
  for (const i of [0, 5_000, 9_999])
    expect(records[i]).toEqual({ bytes: Buffer.alloc(20, `record ${i} `), at: `line ${i}` })
})
