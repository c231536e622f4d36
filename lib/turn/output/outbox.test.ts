import { Outbox } from './outbox.js'

describe('an outbox', () => {
  it('keeps nothing of a commit that is given up, not even what waits for its topic', () => {
    const outbox = new Outbox()
    outbox.add('known', 0, 'k', 'v', 0)
    outbox.route('unknown', undefined, 'k', 'v', 0)
    expect(outbox.empty).toBe(false)
    outbox.discard()
    expect(outbox.empty).toBe(true)
    expect(outbox.unknownTopics).toEqual([])
  })

  it('keeps the order of records that waited for their topic', () => {
    const outbox = new Outbox()
    for (let i = 0; i < 3; i++) outbox.route('late', undefined, 'k', String(i), 0)
    expect(outbox.unknownTopics).toEqual(['late'])
    outbox.settle('late', 4)
    const [batch, ...others] = outbox.finish()
    expect(batch).toMatchObject({ topic: 'late', batch: { records: 3 } })
    expect(others).toEqual([])
    expect(outbox.empty).toBe(true)
  })

  it('closes a batch before brokers would refuse it', () => {
    const outbox = new Outbox()
    const value = 'x'.repeat(100_000)
    for (let i = 0; i < 12; i++) outbox.add('t', 0, 'k', value, 0)
    expect(outbox.bytes).toBeGreaterThan(900_000)
    const batches = outbox.finish()
    expect(batches.map(({ batch }) => batch.records).reduce((sum, records) => sum + records, 0)).toBe(12)
    for (const { batch } of batches) expect(batch.bytes.length).toBeLessThan(1 << 20)
  })
})
