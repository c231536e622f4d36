import type { World } from './contract-log.js'
import { GroupMember } from './group-member.js'
import { batchOf, newTopic, positionOf, settled, transactionsOf, valuesOf } from './rows.js'

export function fencingContract(world: World): void {
  describe('fencing', () => {
    it('refuses appends and the commit of a zombie, and aborts its transaction', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      const id = world().name('id')
      await using elsewhere = await world().open()
      const zombie = await transactionsOf(elsewhere, id)
      await zombie.begin([partition], undefined)
      await zombie.append(partition, batchOf(['zombie']))

      await using successor = await transactionsOf(log, id)
      await settled(log, partition)
      await expect(zombie.append(partition, batchOf(['too late']))).rejects.toMatchObject({ code: 'FENCED' })
      await expect(zombie.commit()).rejects.toMatchObject({ code: 'FENCED' })

      await successor.begin([partition], undefined)
      await successor.append(partition, batchOf(['successor']))
      await successor.commit()
      await settled(log, partition)
      expect(await valuesOf(log, partition)).toEqual(['successor'])
    })

    it('refuses the commit of a zombie that has done nothing since it was fenced', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      const id = world().name('id')
      await using elsewhere = await world().open()
      const zombie = await transactionsOf(elsewhere, id)
      await zombie.begin([partition], undefined)
      await zombie.append(partition, batchOf(['zombie']))
      await using successor = await transactionsOf(world().log, id)
      expect(successor.id).toBe(id)
      await expect(zombie.commit()).rejects.toMatchObject({ code: 'FENCED' })
      await settled(world().log, partition)
      expect(await valuesOf(world().log, partition)).toEqual([])
    })

    it('refuses a new transaction of a zombie', async () => {
      const partition = { topic: await newTopic(world()), partition: 0 }
      const id = world().name('id')
      await using elsewhere = await world().open()
      const zombie = await transactionsOf(elsewhere, id)
      await using successor = await transactionsOf(world().log, id)
      expect(successor.id).toBe(id)
      await expect(zombie.begin([partition], undefined)).rejects.toMatchObject({ code: 'FENCED' })
    })

    it('refuses offsets of a zombie although its generation is current', async () => {
      const { log } = world()
      const partition = { topic: await newTopic(world()), partition: 0 }
      const id = world().name('id')
      await using elsewhere = await world().open()
      await using member = await GroupMember.join(log, {
        group: world().name('group'),
        topic: partition.topic,
        partitions: 1,
      })
      const zombie = await transactionsOf(elsewhere, id)
      await zombie.begin([partition], member.group)
      await using successor = await transactionsOf(log, id)
      expect(successor.id).toBe(id)
      const refused = zombie.offsets(member.generation, positionOf(partition, 7))
      await expect(refused).rejects.toMatchObject({ code: 'FENCED' })
      expect(await log.admin.stableCommitted(member.group, [partition])).toEqual(new Map())
    })

    it('fences the owners of a prefix who are not alive, and leaves the living and other prefixes alone', async () => {
      const { log } = world()
      const prefix = `${world().name('app')}:`
      const partitions = ['dead', 'alive', 'other'].map(() => ({ topic: world().name('topic'), partition: 0 }))
      await log.admin.create(
        partitions.map(({ topic }) => ({ name: topic, partitions: 1, replicationFactor: -1, configs: {} })),
      )
      const [ofDead, ofAlive, ofOther] = partitions
      await using elsewhere = await world().open()
      const dead = await transactionsOf(elsewhere, `${prefix}dead`)
      await using alive = await transactionsOf(log, `${prefix}alive`)
      await using other = await transactionsOf(log, world().name('other'))
      await dead.begin([ofDead!], undefined)
      await dead.append(ofDead!, batchOf(['dead']))
      await alive.begin([ofAlive!], undefined)
      await alive.append(ofAlive!, batchOf(['alive']))
      await other.begin([ofOther!], undefined)
      await other.append(ofOther!, batchOf(['other']))

      expect(await log.admin.fence(prefix, new Set([alive.id]))).toEqual([dead.id])
      await settled(log, ofDead!)
      await expect(dead.commit()).rejects.toMatchObject({ code: 'FENCED' })
      await alive.commit()
      await other.commit()
      for (const at of partitions) await settled(log, at)
      expect(await valuesOf(log, ofDead!)).toEqual([])
      expect(await valuesOf(log, ofAlive!)).toEqual(['alive'])
      expect(await valuesOf(log, ofOther!)).toEqual(['other'])
    })

    it('has nobody to fence where no transaction is open', async () => {
      const prefix = `${world().name('app')}:`
      await using idle = await transactionsOf(world().log, `${prefix}idle`)
      expect(await world().log.admin.fence(prefix, new Set())).toEqual([])
      await idle.begin([], undefined)
      await idle.abort()
    })
  })
}
