import { systemClock } from '../../core/clock.js'
import type { World } from './contract-log.js'
import { GroupMember, type GroupMemberOptions } from './group-member.js'
import { batchOf, newTopic, transactionsOf, until } from './rows.js'

export function groupContract(world: World): void {
  const newGroup = async (partitions = 4): Promise<GroupMemberOptions> => ({
    group: world().name('group'),
    topic: await newTopic(world(), partitions),
    partitions,
  })

  describe('a group', () => {
    it('gives a single member everything before join resolves', async () => {
      await using member = await GroupMember.join(world().log, await newGroup())
      expect(member.held).toEqual([0, 1, 2, 3])
      expect(member.events).toEqual([`assign ${member.generation.generationId}`])
      expect(member.continuous).toEqual([false])
      expect(member.membership.generation).toEqual(member.generation)
      expect(member.generation.group).toBe(member.group)
      expect(member.generation.memberId).not.toBe('')
    })

    it('is left without a timer that would keep the process alive, open transactions too', async () => {
      const options = await newGroup()
      // Those of the test runner are among them.
      const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
      const before = timers()
      const elsewhere = await world().open()
      const member = await GroupMember.join(elsewhere, options)
      const channel = await transactionsOf(elsewhere, world().name('id'))
      await channel.begin([{ topic: options.topic, partition: 0 }], undefined)
      await channel.append({ topic: options.topic, partition: 0 }, batchOf(['open']))
      await channel[Symbol.asyncDispose]()
      await member.membership.leave()
      await elsewhere[Symbol.asyncDispose]()
      // Sockets that are destroyed close in a later turn of the event loop; the test runner has timers that come and go. Ours, of requests
      // and sessions, would last for seconds.
      for (let turn = 0; turn < 100 && timers() > before; turn++) await systemClock.breathe()
      for (let i = 0; i < 20 && timers() > before; i++) await systemClock.sleep(25)
      expect(timers()).toBeLessThanOrEqual(before)
    })

    it('shares between two members in a higher generation, and the same one for both', async () => {
      const options = await newGroup()
      await using first = await GroupMember.join(world().log, options)
      const { generationId } = first.generation
      await using elsewhere = await world().open()
      await using second = await GroupMember.join(elsewhere, options)
      await until(() => first.held.length === 2 && second.held.length === 2)
      expect([...first.held, ...second.held].sort()).toEqual([0, 1, 2, 3])
      expect(first.generation.generationId).toBeGreaterThan(generationId)
      expect(second.generation.generationId).toBe(first.generation.generationId)
      expect(second.generation.memberId).not.toBe(first.generation.memberId)
      expect(first.events.filter((event) => event.startsWith('lost'))).toEqual([])
    })

    it('is not joined by a client that is closed, nor is anything else opened by it', async () => {
      const options = await newGroup()
      const elsewhere = await world().open()
      await elsewhere[Symbol.asyncDispose]()
      await expect(GroupMember.join(elsewhere, options)).rejects.toMatchObject({ code: 'APP_CLOSED' })
      await expect(transactionsOf(elsewhere, world().name('id'))).rejects.toMatchObject({ code: 'APP_CLOSED' })
      await using member = await GroupMember.join(world().log, options)
      expect(member.held).toEqual([0, 1, 2, 3])
    })

    it('is described with what its members tell and are assigned, while it exists', async () => {
      const { admin } = world().log
      const options = await newGroup()
      expect(await admin.describeGroup(options.group)).toEqual({ state: 'none', members: [] })
      const first = await GroupMember.join(world().log, { ...options, tell: () => 'one' })
      await using elsewhere = await world().open()
      await using second = await GroupMember.join(elsewhere, { ...options, instanceId: 'static', tell: () => 'two' })
      await until(() => first.held.length === 2 && second.held.length === 2)
      const { state, members } = await admin.describeGroup(options.group)
      expect(state).toBe('stable')
      const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()
      const seen = members.map(({ id, instanceId, told, assignment }) => {
        const held = assignment?.partitions.map(({ partition }) => partition).sort((a, b) => a - b)
        return { id, instanceId, told: text(told), held, heard: text(assignment?.told) }
      })
      expect(seen).toHaveLength(2)
      const of = ({ generation, held, told }: GroupMember) => ({ id: generation.memberId, held, heard: told })
      expect(seen).toContainEqual({ ...of(first), instanceId: undefined, told: 'one' })
      expect(seen).toContainEqual({ ...of(second), instanceId: 'static', told: 'two' })
      await first.membership.leave()
      await until(() => second.held.length === 4)
      expect((await admin.describeGroup(options.group)).members).toHaveLength(1)
    })

    it('is described as being in a round while it is in one', async () => {
      const options = await newGroup()
      let release = (): void => undefined
      const released = new Promise<void>((resolve) => (release = resolve))
      await using first = await GroupMember.join(world().log, { ...options, barrier: () => released })
      await using elsewhere = await world().open()
      const joining = GroupMember.join(elsewhere, options)
      await until(() => first.events.includes('revoke'))
      const { state, members } = await world().log.admin.describeGroup(options.group)
      expect(state).toBe('rebalancing')
      expect(members.map(({ told, assignment }) => [told, assignment])).not.toContainEqual([
        expect.anything(),
        expect.anything(),
      ])
      release()
      await using second = await joining
      expect(second.held.length).toBeGreaterThan(0)
    })

    it('waits for onRevoke before anybody gets a new assignment', async () => {
      const options = await newGroup()
      let release = (): void => undefined
      const released = new Promise<void>((resolve) => (release = resolve))
      await using first = await GroupMember.join(world().log, { ...options, barrier: () => released })
      await using elsewhere = await world().open()
      let joined = false
      const joining = GroupMember.join(elsewhere, options).finally(() => (joined = true))
      await until(() => first.events.includes('revoke'))
      // Calls that need an answer from the broker: had it not waited, the assignment would have come by now.
      for (let i = 0; i < 20; i++) await world().log.admin.describe([options.topic])
      expect(joined).toBe(false)
      expect(first.events.slice(1)).toEqual(['revoke'])
      release()
      await using second = await joining
      await until(() => first.held.length === 2 && second.held.length === 2)
      expect(first.events.slice(1, 4)).toEqual(['revoke', 'revoked', expect.stringMatching(/^assign/)])
    })

    it('is left by one whose join is ended while it waits for another, and does not wait for it', async () => {
      const options = await newGroup()
      let release = (): void => undefined
      const released = new Promise<void>((resolve) => (release = resolve))
      await using staying = await GroupMember.join(world().log, { ...options, barrier: () => released })
      await using elsewhere = await world().open()
      const stop = new AbortController()
      const joining = GroupMember.join(elsewhere, { ...options, signal: stop.signal })
      await until(() => staying.events.includes('revoke'))
      stop.abort()
      await expect(joining).rejects.toMatchObject({ code: expect.stringMatching(/^(APP_CLOSED|MEMBER_UNKNOWN)$/) })
      release()
      await until(() => staying.events.at(-1)?.startsWith('assign') === true && staying.held.length === 4)
    })

    it('is left by a member that waits for another in a round, and does not wait for it', async () => {
      const options = await newGroup()
      let barrier = Promise.resolve()
      await using staying = await GroupMember.join(world().log, { ...options, barrier: () => barrier })
      await using elsewhere = await world().open()
      await using leaving = await GroupMember.join(elsewhere, options)
      await until(() => staying.held.length === 2 && leaving.held.length === 2)
      let release = (): void => undefined
      barrier = new Promise<void>((resolve) => (release = resolve))
      leaving.membership.rejoin('a test')
      await until(() => leaving.events.at(-1) === 'revoked' && staying.events.at(-1) === 'revoke')
      await leaving.membership.leave()
      release()
      await until(() => staying.held.length === 4)
    })

    it('gives everything to the other when one leaves, whose onRevoke is not called', async () => {
      const options = await newGroup()
      await using staying = await GroupMember.join(world().log, options)
      await using elsewhere = await world().open()
      await using leaving = await GroupMember.join(elsewhere, options)
      await until(() => staying.held.length === 2)
      const before = leaving.events.length
      await leaving.membership.leave()
      await leaving.membership.leave()
      await until(() => staying.held.length === 4)
      expect(leaving.events.slice(before)).toEqual([])
    })

    it('lets the leader of a group leave', async () => {
      const options = await newGroup()
      const first = await GroupMember.join(world().log, options)
      await using elsewhere = await world().open()
      await using second = await GroupMember.join(elsewhere, options)
      await until(() => first.held.length === 2)
      await first.membership.leave()
      await until(() => second.held.length === 4)
    })

    it('carries what members tell to the leader, and what the leader tells to each member', async () => {
      const options = await newGroup()
      await using first = await GroupMember.join(world().log, { ...options, tell: () => 'I-am-one' })
      expect(first.told).toBe('I-am-one')
      await using elsewhere = await world().open()
      await using second = await GroupMember.join(elsewhere, { ...options, tell: () => 'I-am-two' })
      await until(() => first.held.length === 2)
      expect(first.told).toBe('I-am-one I-am-two')
      expect(second.told).toBe('I-am-one I-am-two')
    })

    it('says whether an assignment continues the generation before it', async () => {
      const options = await newGroup()
      await using first = await GroupMember.join(world().log, options)
      await using elsewhere = await world().open()
      await using second = await GroupMember.join(elsewhere, options)
      await until(() => first.held.length === 2)
      await second.membership.leave()
      await until(() => first.held.length === 4)
      expect(first.continuous).toEqual([false, true, true])
      expect(second.continuous).toEqual([false])
    })

    it('starts a round when a member asks for it, and asks everybody anew what to tell', async () => {
      const options = await newGroup()
      let mood = 'calm'
      await using first = await GroupMember.join(world().log, { ...options, tell: () => `first-${mood}` })
      await using elsewhere = await world().open()
      await using second = await GroupMember.join(elsewhere, { ...options, tell: () => `second-${mood}` })
      await until(() => first.held.length === 2)
      for (const [asking, next] of [
        [first, 'curious'],
        [second, 'excited'],
      ] as const) {
        const { generationId } = first.generation
        mood = next
        asking.membership.rejoin(`${next} now`)
        await until(() => [first, second].every((member) => member.told === `first-${mood} second-${mood}`))
        expect(first.generation.generationId).toBeGreaterThan(generationId)
        expect([...first.held, ...second.held].sort()).toEqual([0, 1, 2, 3])
      }
    })

    it('settles when several join at once', async () => {
      const options = await newGroup(6)
      const members = await Promise.all([0, 1, 2].map(() => GroupMember.join(world().log, options)))
      await until(() => members.every((member) => member.held.length === 2))
      expect(members.flatMap((member) => member.held).sort()).toEqual([0, 1, 2, 3, 4, 5])
      expect(new Set(members.map((member) => member.generation.generationId)).size).toBe(1)
      await Promise.all(members.map((member) => member.membership.leave()))
    })

    it('is left by a member that another process takes out of it, which hears that it is lost and joins again', async () => {
      const options = await newGroup()
      await using staying = await GroupMember.join(world().log, options)
      await using elsewhere = await world().open()
      await using removed = await GroupMember.join(elsewhere, options)
      await until(() => staying.held.length === 2 && removed.held.length === 2)
      const { memberId: id } = removed.generation
      const { admin } = world().log
      expect(await admin.removeMember(options.group, { id, instanceId: undefined })).toBe(true)
      expect(await admin.removeMember(options.group, { id, instanceId: undefined })).toBe(false)
      await until(() => removed.events.includes('lost') && removed.generation.memberId !== id)
      await until(() => staying.held.length === 2 && removed.held.length === 2)
      expect(removed.continuous.at(-1)).toBe(false)
    })

    it('takes out a static member by its instance id, and nobody who is not there', async () => {
      const options = { ...(await newGroup()), instanceId: 'one' }
      const { admin } = world().log
      expect(await admin.removeMember(options.group, { id: 'nobody', instanceId: undefined })).toBe(false)
      const first = await GroupMember.join(world().log, options)
      const { memberId: id } = first.generation
      expect(await admin.removeMember(options.group, { id: 'another', instanceId: 'one' })).toBe(false)
      expect(await admin.removeMember(options.group, { id, instanceId: 'one' })).toBe(true)
      await until(() => first.generation.memberId !== id)
      expect((await admin.describeGroup(options.group)).members).toHaveLength(1)
      await first.membership.leave()
    })

    it('forgets a member that left: a new one gets everything, in a higher generation', async () => {
      const options = await newGroup()
      const first = await GroupMember.join(world().log, options)
      await first.membership.leave()
      await using second = await GroupMember.join(world().log, options)
      expect(second.held).toEqual([0, 1, 2, 3])
      expect(second.generation.generationId).toBeGreaterThan(first.generation.generationId)
      expect(second.continuous).toEqual([false])
    })
  })
}
