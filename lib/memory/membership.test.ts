import { batchOf, positionOf, transactionsOf, until, valuesOf } from '../testing/log-contract/rows.js'
import { GroupMember } from '../testing/log-contract/group-member.js'
import { memoryLog, type MemoryLog } from './memory-log.js'

const options = { group: 'group', topic: 'topic', partitions: 4 }

async function logWithTopic(): Promise<MemoryLog> {
  const log = memoryLog()
  await log.admin.create([{ name: 'topic', partitions: 4, replicationFactor: 1, configs: {} }])
  return log
}

describe('a member of a group on the embedded log', () => {
  it('that is expelled is lost, joins again under another id, and does not continue what it had', async () => {
    await using log = await logWithTopic()
    await using member = await GroupMember.join(log, options)
    const old = member.generation
    log.expel('group', old.memberId)
    await until(() => member.continuous.length === 2)
    expect(member.events.slice(1)).toEqual(['lost', `assign ${member.generation.generationId}`])
    expect(member.generation.memberId).not.toBe(old.memberId)
    expect(member.generation.generationId).toBeGreaterThan(old.generationId)
    expect(member.continuous).toEqual([false, false])

    await using channel = await transactionsOf(log, 'id')
    await channel.begin([], 'group')
    const refused = channel.offsets(old, positionOf({ topic: 'topic', partition: 0 }, 1))
    await expect(refused).rejects.toMatchObject({ code: 'MEMBER_UNKNOWN' })
  })

  it('that is expelled inside its barrier does not hold the round up', async () => {
    await using log = await logWithTopic()
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    await using slow = await GroupMember.join(log, { ...options, barrier: () => released })
    const joining = GroupMember.join(log, options)
    await until(() => slow.events.includes('revoke'))
    log.expel('group', slow.generation.memberId)
    await using other = await joining
    expect(other.held).toEqual([0, 1, 2, 3])
    await until(() => slow.events.includes('lost'))
    release()
    await until(() => slow.held.length === 2 && other.held.length === 2)
    expect(slow.events.slice(1, 4)).toEqual(['revoke', 'lost', 'revoked'])
    expect(slow.continuous).toEqual([false, false])
    expect(other.continuous).toEqual([false, true])
  })

  it('hears nothing within the stack of who asks for a round', async () => {
    await using log = await logWithTopic()
    await using member = await GroupMember.join(log, options)
    const { length } = member.events
    member.membership.rejoin('to see when')
    log.expel('group', member.generation.memberId)
    expect(member.events.length).toBe(length)
    await until(() => member.continuous.length === 2)
  })

  it('does not continue an assignment when it has missed one in between', async () => {
    await using log = await logWithTopic()
    let vanishing = false
    const leader = await log.join({
      ...joinOptions(),
      assign: () => {
        if (vanishing) log.expel('group', leader.generation.memberId)
        vanishing = false
        return new Map()
      },
    })
    await using follower = await GroupMember.join(log, options)
    const { generationId } = follower.generation
    const { length } = follower.continuous
    vanishing = true
    follower.membership.rejoin('to have the leader vanish in the middle of a round')
    await until(() => follower.continuous.length > length)
    expect(follower.continuous[length]).toBe(false)
    expect(follower.events).not.toContain(`assign ${generationId + 1}`)
    await leader.leave()
  })

  it('cannot join when its onAssign fails, and leaves nothing behind', async () => {
    await using log = await logWithTopic()
    const failing = log.join({
      ...joinOptions(),
      onAssign: async () => {
        throw new Error('no room')
      },
    })
    await expect(failing).rejects.toThrow('no room')
    await using member = await GroupMember.join(log, options)
    expect(member.held).toEqual([0, 1, 2, 3])
  })

  it('is lost fatally when a callback fails later, and the others take over', async () => {
    await using log = await logWithTopic()
    const barrier = async (): Promise<void> => {
      throw new Error('disk full')
    }
    await using failing = await GroupMember.join(log, { ...options, barrier })
    await using other = await GroupMember.join(log, options)
    expect(other.held).toEqual([0, 1, 2, 3])
    await until(() => failing.events.includes('lost fatally'))
  })

  it('does not hold up the round it was waiting for when its client is closed', async () => {
    await using log = await logWithTopic()
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    await using slow = await GroupMember.join(log, { ...options, barrier: () => released })
    const client = log.open()
    const refusal = GroupMember.join(client, options).catch((error: unknown) => error)
    await until(() => slow.events.includes('revoke'))
    await client[Symbol.asyncDispose]()
    expect(await refusal).toMatchObject({ code: 'MEMBER_UNKNOWN' })
    release()
    await until(() => slow.continuous.length === 2)
    expect(slow.held).toEqual([0, 1, 2, 3])
  })

  it('leaves and aborts when its client is closed', async () => {
    await using log = await logWithTopic()
    const at = { topic: 'topic', partition: 0 }
    await using staying = await GroupMember.join(log, options)
    const client = log.open()
    await GroupMember.join(client, options)
    const channel = await transactionsOf(client, 'id')
    await channel.begin([at], undefined)
    await channel.append(at, batchOf(['never']))
    const fetcher = client.fetcher({ isolation: 'committed', purpose: 'live', maxBytes: 1_000 })
    const waiting = fetcher.next(new AbortController().signal)
    await until(() => staying.held.length === 2)

    await client[Symbol.asyncDispose]()
    expect(await waiting).toEqual([])
    await until(() => staying.held.length === 4)
    expect(await valuesOf(log, at)).toEqual([])
    expect(await log.admin.endOffsets([at], 'committed')).toEqual(positionOf(at, 2))
  })
})

function joinOptions(): Parameters<MemoryLog['join']>[0] {
  return {
    group: 'group',
    topics: ['topic'],
    sessionTimeoutMs: 1_000,
    tell: () => new Uint8Array(),
    assign: () => new Map(),
    onRevoke: async () => undefined,
    onAssign: async () => undefined,
    onLost: () => undefined,
  }
}
