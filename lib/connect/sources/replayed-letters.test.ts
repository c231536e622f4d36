import { readAll } from '../../../test/reading.js'
import { arraySource, runnerOptions, until } from '../../../test/source-world.js'
import { replayDeadLetters } from '../../app/replay.js'
import { text } from '../../codec/codec.js'
import { memoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { source } from '../definitions.js'
import { SourceRunner } from './source-runner.js'

const lines = topic('lines', text())

describe('a replay of dead letters of a source', () => {
  it.each([
    ['', 3],
    [', also when it has more partitions by then', 7],
  ])(
    'leaves those that are not edited, and sends the others to the topic that they were to go to%s',
    async (_, grown) => {
      const log = memoryLog({ partitions: 3 })
      const records = [
        { key: 'a', value: 7, at: 'file:1' },
        { key: 'b', value: 'fine' },
      ]
      const runner = new SourceRunner(
        runnerOptions(log),
        source('orders', { into: lines, from: arraySource({ 0: records }) }),
      )
      await runner.start()
      await until(() => runner.stats.commits > 0)
      await runner.close()
      await log.grow('lines', grown)

      const left = await replayDeadLetters({ id: 'app', log })
      expect(left).toMatchObject({ resent: 0, leftInAll: 1 })
      expect(left.left[0]).toMatchObject({ source: { topic: 'lines' }, code: 'VALUE_INVALID' })
      expect(left.left[0]?.why).toContain('edit it')

      const edited = await replayDeadLetters({
        id: 'app',
        log,
        only: {},
        edit: ({ record }) => ({ value: `seven, not ${Buffer.from(record.value!).toString()}` }),
      })
      expect(edited).toMatchObject({ resent: 1, left: [] })
      await log.send(lines, ['later'], { key: () => 'a' })
      const found = await readAll(log, lines)
      const ofA = found.filter(({ key }) => key === 'a')
      expect(ofA.map(({ value }) => value)).toEqual(['seven, not 7', 'later'])
      // Where a producer would put it.
      expect(new Set(ofA.map(({ partition }) => partition)).size).toBe(1)
    },
  )
})
