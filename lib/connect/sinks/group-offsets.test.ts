import { systemClock } from '../../core/clock.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { GroupOffsets } from './group-offsets.js'

const [topic, group] = ['rows', 'sink']
const nobody = { group, generationId: -1, memberId: '', withoutMembers: true } as const

let log: MemoryLog
let offsets: GroupOffsets
let id: string
beforeEach(async () => {
  log = memoryLog()
  await log.admin.create([{ name: topic, partitions: 1, replicationFactor: -1, configs: {} }])
  id = (await log.admin.describe([topic])).get(topic)!.id
  offsets = opened()
  await offsets.load(0, 1, id)
})
afterEach(async () => {
  await offsets.close()
  await log[Symbol.asyncDispose]()
})

const opened = (): GroupOffsets =>
  new GroupOffsets({ log, group, topic, clock: systemClock, logger: silentLogger, onCommit: () => undefined })

async function committed(): Promise<number | undefined> {
  const [found] = await log.admin.groupOffsets(group, [{ topic, partition: 0 }], 'stable')
  return found?.offset
}

it('commits what was noted', async () => {
  offsets.note(nobody, 0, 5)
  await offsets.flush()
  expect(await committed()).toBe(5)
})

it('does not go back to what was noted before a commit, when all is flushed while that is under way', async () => {
  offsets.note(nobody, 0, 5)
  const committing = offsets.commit(nobody, 0, 12)
  await Promise.all([committing, offsets.flush()])
  expect(await committed()).toBe(12)
})

it('does not go back to what was noted, when it turns out that a commit of unknown outcome was made', async () => {
  offsets.note(nobody, 0, 5)
  const other = opened()
  await other.load(0, 1, id)
  await other.commit(nobody, 0, 12)
  await other.close()
  expect((await offsets.load(0, 1, id))?.offset).toBe(12)
  await offsets.flush()
  expect(await committed()).toBe(12)
})
