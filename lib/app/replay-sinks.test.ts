import { SinkRefused, type SinkBatch } from 'millrace/connect'
import { connector, newRows, numbers, runner, sendRows, until, type Row } from '../../test/sink-lab.js'
import { silentLogger } from '../core/logger.js'
import { memoryLog } from '../memory/memory-log.js'
import { replayDeadLetters } from './replay.js'

it('leaves dead letters of a sink, says whose they are, and sends them to their topic again once they are edited', async () => {
  await using log = memoryLog()
  await newRows(log, 2)
  await sendRows(log, 0, 10)
  const written: SinkBatch<Row>[] = []
  const to = connector(() => ({
    write(batch) {
      const bad = batch.records.filter(({ value }) => value!.n === 3 || value!.n === 4)
      if (bad.length > 0) throw new SinkRefused(new Map(bad.map(({ offset }) => [offset, 'odd'])))
      written.push(batch)
    },
  }))
  const sink = runner(log, to)
  await sink.start()
  await until(() => sink.stats.records === 8)

  const replay = { id: 'shop', log, logger: silentLogger }
  const left = await replayDeadLetters(replay)
  expect(left).toMatchObject({ replayed: 0, resent: 0, leftInAll: 2 })
  expect(left.left[0]).toMatchObject({ code: 'SINK_REFUSED', source: { topic: 'rows' } })
  expect(left.left[0]!.why).toMatch(/^it is of sink 'out', and has no object to go back to: edit it/)

  const edit = (): { value: string } => ({ value: '{"n":33}' })
  const again = await replayDeadLetters({ ...replay, only: { code: 'SINK_REFUSED' }, edit })
  expect(again).toMatchObject({ resent: 2, leftInAll: 0 })
  await until(() => sink.stats.records === 10)
  await sink.close()
  expect(numbers(written).filter((n) => n === 33)).toHaveLength(2)
})
