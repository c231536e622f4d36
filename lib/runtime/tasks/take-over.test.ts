import { Instance } from '../../../test/instances.js'
import { app, inputs, words } from '../../../test/word-app.js'
import { PositionMap } from '../../core/record.js'
import type { CommitChannel, LogPort } from '../../log/port.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { drained } from '../drain.js'

/** What a dead member left behind: a transaction that holds the offsets of task 0. */
async function openTransaction(log: MemoryLog): Promise<CommitChannel> {
  const member = await log.join({
    group: app,
    topics: [],
    sessionTimeoutMs: 1_000,
    tell: () => new Uint8Array(),
    assign: (members) => new Map(members.map(({ id }) => [id, { partitions: [], told: new Uint8Array() }])),
    onRevoke: () => Promise.resolve(),
    onAssign: () => Promise.resolve(),
    onLost: () => undefined,
  })
  const channel = await log.transactions({ id: `${app}:dead`, timeoutMs: 60_000 })
  await channel.begin([], app)
  await channel.offsets(member.generation, PositionMap.of([[inputs.name, 0, 0]]).topics)
  await member.leave()
  return channel
}

/** A log on which dead owners cannot be fenced, as while they are still believed to be alive. */
function withoutFencing(log: LogPort, onFence: () => void = () => undefined): LogPort {
  const fence = (): Promise<readonly string[]> => {
    onFence()
    return Promise.resolve([])
  }
  const member = (name: string | symbol): unknown => Reflect.get(log.admin, name)
  return {
    ...log,
    admin: new Proxy(log.admin, {
      get: (admin, name) => (name === 'fence' ? fence : (member(name) as () => unknown).bind(admin)),
    }),
  }
}

describe('taking a task over', () => {
  it('ends what a dead owner left open', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(inputs, [])
    const channel = await openTransaction(log)
    const instance = new Instance({ log, objects: [words] })
    await instance.engine.start()
    await drained(instance.engine)
    await expect(channel.commit()).rejects.toMatchObject({ code: 'FENCED' })
    await instance.engine.stop(1_000)
  })

  it('does not hold up a stop, or the next assignment, while it waits for an open transaction', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(inputs, [])
    const channel = await openTransaction(log)
    let taking = (): void => undefined
    const begun = new Promise<void>((resolve) => (taking = resolve))
    const instance = new Instance({ log, objects: [words], wrap: (port) => withoutFencing(port, taking) })
    const started = instance.engine.start()
    started.catch(() => undefined)
    await begun
    await instance.engine.stop(60_000)
    await expect(started).rejects.toMatchObject({ code: 'APP_CLOSED' })
    await channel.abort()
  })

  it('waits for an open transaction that is decided in the end', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(inputs, [])
    const channel = await openTransaction(log)
    const instance = new Instance({ log, objects: [words], wrap: (port) => withoutFencing(port) })
    const started = instance.engine.start().then(() => 'started')
    expect(await Promise.race([started, new Promise((resolve) => setTimeout(() => resolve('waiting'), 50))])).toBe(
      'waiting',
    )
    await channel.commit()
    expect(await started).toBe('started')
    await instance.engine.stop(1_000)
  })
})
