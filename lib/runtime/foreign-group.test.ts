import { CounterApp, id, lines, toldOf } from '../../test/counter-app.js'
import type { Assignment, Membership } from '../log/port.js'

let counting: CounterApp
beforeEach(() => {
  counting = new CounterApp()
})
afterEach(() => counting.end())

/** A consumer that is not of the app, and that leads the group while it is there first. */
function foreigner(): Promise<Membership> {
  const nothing: Assignment = { partitions: [], told: Buffer.from('range') }
  return counting.log.open().join({
    group: id,
    topics: [lines.name],
    sessionTimeoutMs: 10_000,
    tell: () => Buffer.from('foreign'),
    assign: (members) => new Map(members.map((member) => [member.id, nothing])),
    onRevoke: async () => undefined,
    onAssign: async () => undefined,
    onLost: () => undefined,
  })
}

it('an app whose group is led by somebody else does not start, and does when that one has left', async () => {
  const other = await foreigner()
  const refused = counting.start()
  await expect(refused).rejects.toMatchObject({ code: 'GROUP_MISMATCH' })
  await expect(refused).rejects.toThrow(/group 'app' is led by somebody else.*Stop them, or choose another app id/)
  await other.leave()
  await counting.run(0, 2)
  expect(await counting.told()).toEqual(toldOf(2))
})
