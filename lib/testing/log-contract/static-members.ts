import type { World } from './contract-log.js'
import { GroupMember } from './group-member.js'
import { newTopic, positionOf, transactionsOf, until } from './rows.js'

export function staticMemberContract(world: World): void {
  describe('a static member', () => {
    it('that starts again keeps its partitions without a new round, and its older self is lost for good', async () => {
      const { log } = world()
      const options = { group: world().name('group'), topic: await newTopic(world(), 4), partitions: 4 }
      await using older = await GroupMember.join(log, { ...options, instanceId: 'one' })
      await using elsewhere = await world().open()
      await using other = await GroupMember.join(elsewhere, options)
      await until(() => older.held.length === 2 && other.held.length === 2)
      const seen = other.events.length

      await using again = await world().open()
      await using newer = await GroupMember.join(again, { ...options, instanceId: 'one' })
      expect(newer.held).toEqual(older.held)
      expect(newer.generation.generationId).toBe(older.generation.generationId)
      expect(newer.generation.memberId).not.toBe(older.generation.memberId)
      expect(newer.continuous).toEqual([false])
      await until(() => older.events.includes('lost fatally'))
      expect(older.events.at(-1)).toBe('lost fatally')
      expect(other.events.length).toBe(seen)

      await other.membership.leave()
      await until(() => newer.held.length === 4)
      expect(older.events.at(-1)).toBe('lost fatally')
    })

    it('whose slot was taken cannot commit offsets', async () => {
      const { log } = world()
      const topic = await newTopic(world(), 1)
      const options = { group: world().name('group'), topic, partitions: 1, instanceId: 'one' }
      await using older = await GroupMember.join(log, options)
      await using elsewhere = await world().open()
      await using newer = await GroupMember.join(elsewhere, options)
      await using channel = await transactionsOf(log, world().name('id'))
      const position = positionOf({ topic, partition: 0 }, 3)
      await channel.begin([], options.group)
      await expect(channel.offsets(older.generation, position)).rejects.toMatchObject({ code: 'MEMBER_UNKNOWN' })
      await channel.abort()
      await channel.begin([], options.group)
      await channel.offsets(newer.generation, position)
      await channel.commit()
      expect(await log.admin.stableCommitted(options.group, [{ topic, partition: 0 }])).toEqual(position)
    })

    it('carries its instance id in its generation', async () => {
      const topic = await newTopic(world(), 1)
      const options = { group: world().name('group'), topic, partitions: 1, instanceId: 'one' }
      await using member = await GroupMember.join(world().log, options)
      expect(member.generation.instanceId).toBe('one')
    })
  })
}
