import { text } from '../../codec/codec.js'
import { PositionMap } from '../../core/record.js'
import { memoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { topicExtents } from '../../log/client/extents.js'
import { answersIn } from './scan.js'

const letters = topic('letters', text())
const { signal } = new AbortController()

it.each([
  ['some of it', 3, [3, 4]],
  ['all of it', 5, []],
])('reads on where a topic begins when retention has removed %s meanwhile', async (_what, before, left) => {
  await using log = memoryLog({ partitions: 1 })
  await log.send(letters, ['a', 'b', 'c', 'd', 'e'])
  const [stretch] = (await topicExtents(log, letters.name)) ?? []
  await log.admin.trim(PositionMap.of([[letters.name, 0, before]]).topics)
  const found: number[] = []
  for await (const records of answersIn(log, stretch as never, signal))
    for (const { offset } of records) found.push(offset)
  expect(found).toEqual(left)
})
