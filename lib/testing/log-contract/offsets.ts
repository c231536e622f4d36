import type { World } from './contract-log.js'
import { GroupMember } from './group-member.js'
import { endOf, newTopic, allPartitions, positionOf, transactionsOf } from './rows.js'
import { PositionMap } from '../../core/record.js'

export function offsetsContract(world: World): void {
  const newMember = async (partitions: number): Promise<GroupMember> => {
    const topic = await newTopic(world(), partitions)
    return GroupMember.join(world().log, { group: world().name('group'), topic, partitions })
  }

  describe('committed offsets', () => {
    it('are absent for partitions and groups that have none', async () => {
      const { log } = world()
      await using member = await newMember(2)
      const [first, second] = allPartitions(member.assignment.partitions[0]!.topic, 2)
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([], member.group)
      await channel.offsets(member.generation, positionOf(first!, 5))
      await channel.commit()
      expect(await log.admin.stableCommitted(member.group, [first!, second!])).toEqual(positionOf(first!, 5))
      expect(await log.admin.stableCommitted(world().name('group'), [first!, second!])).toEqual(new Map())
    })

    it('are kept by a transaction of offsets only, which leaves no marker in their partitions', async () => {
      const { log } = world()
      await using member = await newMember(1)
      const at = member.assignment.partitions[0]!
      await using channel = await transactionsOf(log, world().name('id'))
      for (const offset of [3, 4]) {
        await channel.begin([], member.group)
        await channel.offsets(member.generation, positionOf(at, offset))
        await channel.commit()
      }
      expect(await log.admin.stableCommitted(member.group, [at])).toEqual(positionOf(at, 4))
      expect(await endOf(log, at, 'all')).toBe(0)
    })

    it('stay as they were when the transaction aborts', async () => {
      const { log } = world()
      await using member = await newMember(1)
      const at = member.assignment.partitions[0]!
      await using channel = await transactionsOf(log, world().name('id'))
      await channel.begin([], member.group)
      await channel.offsets(member.generation, positionOf(at, 1))
      await channel.commit()
      await channel.begin([], member.group)
      await channel.offsets(member.generation, positionOf(at, 2))
      await channel.abort()
      expect(await log.admin.stableCommitted(member.group, [at])).toEqual(positionOf(at, 1))
    })

    it('are not told while a commit of them is pending, and are the new ones when it is decided', async () => {
      const { log } = world()
      await using member = await newMember(2)
      const [pending, other] = allPartitions(member.assignment.partitions[0]!.topic, 2)
      await using elsewhere = await world().open()
      await using channel = await transactionsOf(elsewhere, world().name('id'))
      await channel.begin([], member.group)
      await channel.offsets(member.generation, positionOf(pending!, 9))

      expect(await log.admin.groupOffsets(member.group, [pending!], 'any')).toEqual([])
      let told = false
      const answer = log.admin.stableCommitted(member.group, [pending!]).then((positions) => {
        told = true
        return positions
      })
      // Calls that need an answer from the broker are made meanwhile: were the pending one told at all, it would be by now.
      for (let i = 0; i < 5; i++) expect(await log.admin.stableCommitted(member.group, [other!])).toEqual(new Map())
      expect(told).toBe(false)
      await channel.commit()
      expect(await answer).toEqual(positionOf(pending!, 9))
    })

    it('wait for every commit of them that is pending', async () => {
      const { log } = world()
      await using member = await newMember(1)
      const at = member.assignment.partitions[0]!
      await using elsewhere = await world().open()
      const channels = [
        await transactionsOf(log, world().name('id')),
        await transactionsOf(elsewhere, world().name('id')),
      ]
      for (const [i, channel] of channels.entries()) {
        await channel.begin([], member.group)
        await channel.offsets(member.generation, positionOf(at, i + 1))
      }
      let told = false
      await using asking = await world().open()
      const answer = asking.admin.stableCommitted(member.group, [at]).then((positions) => {
        told = true
        return positions
      })
      const other = [{ topic: await newTopic(world()), partition: 0 }]
      for (let i = 0; i < 5; i++) await log.admin.stableCommitted(member.group, other)
      await channels[0]!.commit()
      for (let i = 0; i < 5; i++) await log.admin.stableCommitted(member.group, other)
      expect(told).toBe(false)
      await channels[1]!.commit()
      expect(await answer).toEqual(positionOf(at, 2))
      for (const channel of channels) await channel[Symbol.asyncDispose]()
    })

    it('are the old ones when a pending commit of them is aborted', async () => {
      const { log } = world()
      await using member = await newMember(1)
      const at = member.assignment.partitions[0]!
      await using elsewhere = await world().open()
      await using channel = await transactionsOf(elsewhere, world().name('id'))
      await channel.begin([], member.group)
      await channel.offsets(member.generation, positionOf(at, 9))
      const answer = log.admin.stableCommitted(member.group, [at])
      await channel.abort()
      expect(await answer).toEqual(new Map())
    })

    it('are the new ones right after a commit has been answered', async () => {
      const { log } = world()
      await using member = await newMember(1)
      const at = member.assignment.partitions[0]!
      await using channel = await transactionsOf(log, world().name('id'))
      for (let offset = 1; offset <= 20; offset++) {
        await channel.begin([], member.group)
        await channel.offsets(member.generation, positionOf(at, offset))
        await channel.commit()
        expect(await log.admin.stableCommitted(member.group, [at])).toEqual(positionOf(at, offset))
      }
    })

    it('come back with the note that was committed beside them, and without one where there was none', async () => {
      const { log } = world()
      await using member = await newMember(1)
      const at = member.assignment.partitions[0]!
      await using transactional = await transactionsOf(log, world().name('id'))
      await using idempotent = await log.idempotent()
      const note = 'topic=0123456789abcdef0123456789abcdef'
      for (const channel of [transactional, idempotent]) {
        for (const [offset, notes] of [
          [1, new Map([[at.topic, note]])],
          [2, undefined],
        ] as const) {
          await channel.begin([], member.group)
          await channel.offsets(member.generation, positionOf(at, offset), notes)
          await channel.commit()
          const answer = [{ ...at, offset, note: notes === undefined ? '' : note }]
          expect(await log.admin.groupOffsets(member.group, [at], 'stable')).toEqual(answer)
        }
      }
    })

    it('are told of all partitions that a group has some of, whoever asks', async () => {
      const { log } = world()
      const group = world().name('group')
      const [one, other] = [await newTopic(world(), 3), await newTopic(world(), 1)]
      const positions = PositionMap.of([
        [one, 0, 4],
        [one, 2, 6],
        [other, 0, 1],
      ]).topics
      await using channel = await log.idempotent()
      await channel.begin([], group)
      await channel.offsets({ group, generationId: -1, memberId: '', withoutMembers: true }, positions)
      await channel.commit()
      const committed = await log.admin.groupOffsets(group, 'all', 'stable')
      const found = PositionMap.of(committed.map(({ topic, partition, offset }) => [topic, partition, offset]))
      expect(found.topics).toEqual(positions)
      expect(await log.admin.groupOffsets(world().name('group'), 'all', 'stable')).toEqual([])
    })

    it('are forgotten partition by partition, and not while somebody reads their topics', async () => {
      const { log } = world()
      await using member = await newMember(2)
      const { group } = member
      const [first, second] = allPartitions(member.assignment.partitions[0]!.topic, 2) as [never, never]
      await using channel = await log.idempotent()
      await channel.begin([], group)
      const { topic } = member.assignment.partitions[0]!
      const positions = PositionMap.of([
        [topic, 0, 4],
        [topic, 1, 6],
      ]).topics
      await channel.offsets(member.generation, positions)
      await channel.commit()
      await expect(log.admin.forgetOffsets(group, [first])).rejects.toMatchObject({ code: 'BROKER_REFUSED' })
      expect(await log.admin.stableCommitted(group, [first, second])).toEqual(positions)
      await member[Symbol.asyncDispose]()

      await log.admin.forgetOffsets(group, [first])
      expect(await log.admin.stableCommitted(group, [first, second])).toEqual(positionOf(second, 6))
      const missing = { topic: world().name('missing'), partition: 0 }
      await log.admin.forgetOffsets(group, [missing, first])
      await log.admin.forgetOffsets(world().name('group'), [first])
      expect(await log.admin.groupOffsets(group, 'all', 'any')).toHaveLength(1)
    })

    it('are kept by the commit of an idempotent channel, and not before', async () => {
      const { log } = world()
      await using member = await newMember(3)
      const partitions = allPartitions(member.assignment.partitions[0]!.topic, 3)
      await using channel = await log.idempotent()
      const { topic } = partitions[0]!
      const positions = PositionMap.of([
        [topic, 0, 4],
        [topic, 2, 6],
      ]).topics
      await channel.begin([], member.group)
      await channel.offsets(member.generation, positions)
      expect(await log.admin.stableCommitted(member.group, partitions)).toEqual(new Map())
      await channel.commit()
      expect(await log.admin.stableCommitted(member.group, partitions)).toEqual(positions)

      await channel.begin([], member.group)
      await channel.offsets(member.generation, positionOf(partitions[1]!, 5))
      await channel.abort()
      await channel.begin([], member.group)
      await channel.commit()
      expect(await log.admin.stableCommitted(member.group, partitions)).toEqual(positions)
    })
  })
}
