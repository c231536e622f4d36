import { text } from '../../codec/codec.js'
import { PositionMap } from '../../core/record.js'
import { memoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { recordsBefore } from '../../log/client/extents.js'
import { eachAnswer } from './survey.js'

const letters = topic('letters', text())

it.each([
  ['some', 3, [3, 4]],
  ['all', 5, []],
])('a replay goes on where the letters begin when retention has removed %s meanwhile', async (_what, before, left) => {
  await using log = memoryLog({ partitions: 1 })
  await log.send(letters, ['a', 'b', 'c', 'd', 'e'])
  await log.admin.trim(PositionMap.of([[letters.name, 0, before]]).topics)
  const found: number[] = []
  const span = { topic: letters.name, partition: 0, start: 0, position: 0, end: 5 }
  await eachAnswer(log, span, 0, (fetched) => {
    for (const { offset } of recordsBefore(fetched, span.end)) found.push(offset)
  })
  expect(found).toEqual(left)
})
