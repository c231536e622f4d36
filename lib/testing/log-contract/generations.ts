import type { Generation } from '../../log/port.js'
import type { World } from './contract-log.js'
import { GroupMember } from './group-member.js'
import { batchOf, newTopic, positionOf, settled, transactionsOf, until, valuesOf } from './rows.js'

export function generationContract(world: World): void {
  /** A group with committed offset 1, and a transaction that tries to commit offset 2 under another generation. */
  const refusedCommit = async (other: (current: Generation) => Generation, code: string): Promise<void> => {
    const { log } = world()
    const at = { topic: await newTopic(world()), partition: 0 }
    await using member = await GroupMember.join(log, { group: world().name('group'), topic: at.topic, partitions: 1 })
    await using channel = await transactionsOf(log, world().name('id'))
    await channel.begin([], member.group)
    await channel.offsets(member.generation, positionOf(at, 1))
    await channel.commit()

    await channel.begin([at], member.group)
    await channel.append(at, batchOf(['never']))
    await expect(channel.offsets(other(member.generation), positionOf(at, 2))).rejects.toMatchObject({ code })
    await expect(channel.commit()).rejects.toMatchObject({ code: 'COMMIT_ABORTED' })
    await channel.abort()
    await settled(log, at)
    expect(await valuesOf(log, at)).toEqual([])
    expect(await log.admin.stableCommitted(member.group, [at])).toEqual(positionOf(at, 1))

    await channel.begin([at], member.group)
    await channel.append(at, batchOf(['afterwards']))
    await channel.offsets(member.generation, positionOf(at, 3))
    await channel.commit()
    expect(await log.admin.stableCommitted(member.group, [at])).toEqual(positionOf(at, 3))
    await settled(log, at)
    expect(await valuesOf(log, at)).toEqual(['afterwards'])
  }

  describe('generations', () => {
    it('refuse offsets of an older generation; then only abort is possible and nothing becomes visible', () =>
      refusedCommit((current) => ({ ...current, generationId: current.generationId - 1 }), 'GENERATION_STALE'))

    it('refuse offsets of a generation that has not been yet', () =>
      refusedCommit((current) => ({ ...current, generationId: current.generationId + 1 }), 'GENERATION_STALE'))

    it('refuse offsets of an older generation, and accept them in the same transaction under the current one', async () => {
      const { log } = world()
      const at = { topic: await newTopic(world()), partition: 0 }
      await using member = await GroupMember.join(log, { group: world().name('group'), topic: at.topic, partitions: 1 })
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([at], member.group)
      await channel.append(at, batchOf(['once']))
      const { generation } = member
      const stale = { ...generation, generationId: generation.generationId - 1 }
      await expect(channel.offsets(stale, positionOf(at, 2))).rejects.toMatchObject({ code: 'GENERATION_STALE' })
      await channel.offsets(generation, positionOf(at, 2))
      await channel.commit()
      await settled(log, at)
      expect(await valuesOf(log, at)).toEqual(['once'])
      expect(await log.admin.stableCommitted(member.group, [at])).toEqual(positionOf(at, 2))
    })

    it('refuse offsets of a member that is not in the group', () =>
      refusedCommit((current) => ({ ...current, memberId: 'nobody-we-know' }), 'MEMBER_UNKNOWN'))

    it('refuse offsets of a member that has left', async () => {
      const { log } = world()
      const at = { topic: await newTopic(world()), partition: 0 }
      const options = { group: world().name('group'), topic: at.topic, partitions: 1 }
      await using staying = await GroupMember.join(log, options)
      const leaving = await GroupMember.join(log, options)
      const { generation } = leaving
      await leaving.membership.leave()
      await until(() => staying.held.length === 1 && staying.generation.generationId > generation.generationId)
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([], options.group)
      const refused = channel.offsets(generation, positionOf(at, 2))
      await expect(refused).rejects.toMatchObject({ code: 'MEMBER_UNKNOWN' })
      await channel.abort()
    })

    it('refuse offsets of an idempotent channel too', async () => {
      const { log } = world()
      const at = { topic: await newTopic(world()), partition: 0 }
      await using member = await GroupMember.join(log, { group: world().name('group'), topic: at.topic, partitions: 1 })
      await using channel = await log.idempotent()
      await channel.begin([], member.group)
      const stale = { ...member.generation, generationId: member.generation.generationId - 1 }
      const committing = channel.offsets(stale, positionOf(at, 2)).then(() => channel.commit())
      await expect(committing).rejects.toThrow()
      await channel.abort()
      expect(await log.admin.stableCommitted(member.group, [at])).toEqual(new Map())
    })

    it('refuse the commit of an idempotent channel whose generation ended after it took the offsets', async () => {
      const { log } = world()
      const topic = await newTopic(world(), 2)
      const options = { group: world().name('group'), topic, partitions: 2 }
      await using first = await GroupMember.join(log, options)
      await using channel = await log.idempotent()
      await channel.begin([], options.group)
      await channel.offsets(first.generation, positionOf({ topic, partition: 0 }, 2))
      await using elsewhere = await world().open()
      await using second = await GroupMember.join(elsewhere, options)
      await until(() => first.held.length === 1 && second.held.length === 1)
      await expect(channel.commit()).rejects.toThrow()
      await channel.abort()
      expect(await log.admin.stableCommitted(options.group, [{ topic, partition: 0 }])).toEqual(new Map())
    })

    it('accept offsets inside the revoke barrier, and refuse the same generation after it', async () => {
      const { log } = world()
      const topic = await newTopic(world(), 2)
      const at = { topic, partition: 0 }
      const group = world().name('group')
      await using channel = await transactionsOf(log, world().name('id'))
      const commitOne = async (generation: Generation, offset: number): Promise<void> => {
        await channel.begin([], group)
        await channel.offsets(generation, positionOf(at, offset))
        await channel.commit()
      }
      const outcomes: string[] = []
      const barrier = async (): Promise<void> => {
        if (outcomes.length > 0) return
        await commitOne(first.generation, 5)
        outcomes.push('accepted')
      }
      await using first = await GroupMember.join(log, { group, topic, partitions: 2, barrier })
      const old = first.generation
      await using elsewhere = await world().open()
      await using second = await GroupMember.join(elsewhere, { group, topic, partitions: 2 })
      await until(() => first.held.length === 1 && second.held.length === 1)

      expect(outcomes).toEqual(['accepted'])
      expect(await log.admin.stableCommitted(group, [at])).toEqual(positionOf(at, 5))
      await expect(commitOne(old, 6)).rejects.toMatchObject({ code: 'GENERATION_STALE' })
      await channel.abort()
      await commitOne(first.generation, 7)
      expect(await log.admin.stableCommitted(group, [at])).toEqual(positionOf(at, 7))
    })
  })
}
