import { z } from 'zod'
import { createApp } from '../../app/create-app.js'
import { text } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'

const keys = topic('keys', text())

/** A backlog of so many objects, each with a state of so many bytes: how many commits it takes when none is due by time. */
async function commitsFor(objects: number, bytes: number): Promise<number> {
  const log = memoryLog({ partitions: 1 })
  await log.send(
    keys,
    Array.from({ length: objects }, (_, i) => String(i)),
    { key: (key) => key },
  )
  const large = stateObject('large', { state: z.object({ note: z.string() }), init: () => ({ note: '' }) }).on(
    keys,
    (key) => key,
    (state) => {
      state.note = 'x'.repeat(bytes)
    },
  )
  await using app = createApp({
    id: 'app',
    log,
    objects: [large],
    commitInterval: '1h',
    createTopics: true,
    logger: silentLogger,
  })
  await app.start()
  await app.drained()
  return app.stats().commits
}

it('is bounded in bytes of state, not only in turns', async () => {
  const small = await commitsFor(10_000, 10)
  // 50 MB; at most about 16 MB of them in a commit.
  expect(await commitsFor(10_000, 5_000)).toBeGreaterThanOrEqual(small + 2)
})
