import { stateObject, topic, type Codec } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'

const batch = z.object({ id: z.string(), items: z.array(z.string()) })
type Batch = z.infer<typeof batch>
const batches = topic('batches', batch)
const state = z.object({ items: z.array(z.string()) })
const init = (): z.infer<typeof state> => ({ items: [] })
const copies = topic('copies', batch)
const counts = topic('counts', z.number())

/** Takes everything out of the value, as one who thinks that it is his. */
function eats(name: string) {
  return stateObject(name, { state, init }).on(
    batches,
    ({ id }) => id,
    (own, value) => {
      for (let item = value.items.shift(); item !== undefined; item = value.items.shift()) own.items.push(item)
    },
  )
}

describe('a value that several take', () => {
  it('is each taker’s own, whatever the others do to it', async () => {
    const [first, second] = [eats('first'), eats('second')]
    const reversed = (value: Batch): Batch => ({ id: value.id, items: value.items.reverse() })
    const flows = [
      batches
        .map(reversed)
        .filter(() => false)
        .to(copies),
      batches.to(copies),
      batches.map(({ items }) => items.length).to(counts),
    ]
    await using driver = testDriver({ objects: [first, second], flows, partitions: 2 })
    for (const id of ['a', 'b', 'c']) await driver.send(batches, { id, items: ['x', 'y'] }, { key: id })
    for (const id of ['a', 'b', 'c'])
      for (const kind of [first, second]) expect(driver.state(kind, id)).toEqual({ items: ['x', 'y'] })
    expect(driver.output(copies).map(({ value }) => value?.items)).toEqual([
      ['x', 'y'],
      ['x', 'y'],
      ['x', 'y'],
    ])
    expect(driver.output(counts).map(({ value }) => value)).toEqual([2, 2, 2])
  })

  it('is decoded again only when one before may have changed it', async () => {
    let decoded = 0
    const counting: Codec<Batch> = {
      format: 'counting',
      encode: (value) => JSON.stringify(value),
      decode: (bytes) => (decoded++, JSON.parse(Buffer.from(bytes).toString()) as Batch),
    }
    const source = topic('batches', counting)
    const kind = (name: string) =>
      stateObject(name, { state, init }).on(
        source.filter(({ id }) => id === name),
        ({ id }) => id,
        (own, value) => void own.items.push(...value.items),
      )
    const flows = [source.to(topic('copies', counting)), source.filter(() => true).to(topic('more', counting))]
    await using driver = testDriver({ objects: ['a', 'b', 'c'].map(kind), flows, partitions: 1 })
    for (const id of ['a', 'b', 'c', 'd']) await driver.send(source, { id, items: [] })
    // Each once, and once more for what comes behind the one kind that took it.
    expect(decoded).toBe(4 + 3)
  })
})
