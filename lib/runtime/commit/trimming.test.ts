import { Instance } from '../../../test/instances.js'
import { app, flows, Sent, stateOf, words } from '../../../test/word-app.js'
import { systemClock } from '../../core/clock.js'
import { memoryLog } from '../../memory/memory-log.js'
import { inboxTopic } from '../../model/names.js'
import { drained } from '../drain.js'

describe('inboxes', () => {
  it('are trimmed up to what is committed, and a start after that goes on exactly', async () => {
    const log = memoryLog({ partitions: 2 })
    let skipped = 0
    const clock = { ...systemClock, elapsed: () => systemClock.elapsed() + skipped }
    const sent = new Sent(log)
    const lanes = ['p', 'q', 'r', 's'].map((lane) => ({ word: 'a', lane, drop: false }))
    const partitions = [0, 1].map((partition) => ({ topic: inboxTopic(app, words.name), partition }))
    const trimmedTo = async (): Promise<number> => {
      const starts = await log.admin.startOffsets(partitions)
      return [...(starts.get(inboxTopic(app, words.name))?.values() ?? [])].reduce((sum, offset) => sum + offset, 0)
    }
    const first = new Instance({ app, log, objects: [words], flows, engine: { clock } })
    await sent.send(lanes)
    await first.engine.start()
    await drained(first.engine)
    expect(first.engine.stats.hops).toBeGreaterThan(0)
    expect(await trimmedTo()).toBe(0)

    skipped += 31_000
    await sent.send(lanes)
    await drained(first.engine)
    while ((await trimmedTo()) === 0) await new Promise(setImmediate)
    await first.engine.stop(1_000)

    const second = new Instance({ app, log, objects: [words], flows, folder: first.folder })
    await sent.send(lanes)
    await second.engine.start()
    await drained(second.engine)
    expect(await sent.faults(await stateOf([second.engine]))).toEqual([])
    await second.engine.stop(1_000)
  })
})
