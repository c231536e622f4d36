import { z } from 'zod'
import { createApp } from '../app/create-app.js'
import { text } from '../codec/codec.js'
import { silentLogger } from '../core/logger.js'
import { PositionMap } from '../core/record.js'
import { batchBuilder } from '../log/batch-builder.js'
import type { Generation, JoinOptions, LogPort, Membership } from '../log/port.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'

const input = topic('input', text())
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  input,
  (key) => key,
  (state) => {
    state.n++
  },
)

/** What another member did while this one was out of the group for a generation. */
async function otherOwner(log: MemoryLog, generation: Generation): Promise<void> {
  const changelog = { topic: 'app-counter-changelog', partition: 0 }
  const channel = await log.transactions({ id: 'app:other', timeoutMs: 10_000 })
  await channel.begin([changelog], 'app')
  const batch = batchBuilder()
  batch.add('a', '{"n":105}', 0)
  await channel.append(changelog, batch.finish())
  await channel.offsets(generation, PositionMap.of([['input', 0, 5]]).topics)
  await channel.commit()
  await channel[Symbol.asyncDispose]()
}

/** The log, with `onMissed` run before an assignment that is handed out as not continuous; `miss` calls for one. */
function missing(
  log: MemoryLog,
  onMissed: (generation: Generation) => Promise<void>,
): { port: LogPort; miss: () => Promise<void> } {
  let membership: Membership | undefined
  let handedOut: (() => void) | undefined
  const onAssign = (inner: JoinOptions['onAssign']): JoinOptions['onAssign'] => {
    return async (generation, assignment, continuous) => {
      const tell = handedOut
      if (tell === undefined) return inner(generation, assignment, continuous)
      // Once: what a commit waits for can call for another round.
      handedOut = undefined
      await onMissed(generation)
      await inner(generation, assignment, false)
      tell()
    }
  }
  const port: LogPort = {
    kind: 'memory',
    trouble: undefined,
    admin: log.admin,
    fetcher: (options) => log.fetcher(options),
    transactions: (options) => log.transactions(options),
    idempotent: () => log.idempotent(),
    join: async (options) => (membership = await log.join({ ...options, onAssign: onAssign(options.onAssign) })),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  }
  const miss = (): Promise<void> =>
    new Promise((resolve) => {
      handedOut = resolve
      membership?.rejoin('test')
    })
  return { port, miss }
}

describe('an assignment after a generation was missed', () => {
  it('takes tasks over anew, also those the member still holds', async () => {
    const log = memoryLog({ partitions: 1 })
    const { port, miss } = missing(log, async (generation) => {
      await log.send(input, ['a', 'a'])
      await otherOwner(log, generation)
    })
    await using app = createApp({ id: 'app', objects: [counter], log: port, logger: silentLogger })
    await log.send(input, ['a', 'a', 'a'])
    await app.start()
    await app.drained()

    await miss()
    await log.send(input, ['a'])
    await app.drained()

    expect(await app.state(counter).get('a')).toEqual({ n: 106 })
  })
})
