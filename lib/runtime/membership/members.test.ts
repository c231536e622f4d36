import type { GroupInfo, GroupMember } from '../../log/port.js'
import { membersOf } from './members.js'
import { encodeTold } from './told.js'

const leads = { alive: [], you: '', partitions: {} }
const tells = { transactions: 'app:1', holds: [], standbys: [], current: [], stores: [], partitions: {} }
const seat: GroupMember = {
  id: 'm-1',
  instanceId: undefined,
  clientId: 'c',
  host: '10.0.0.1',
  told: encodeTold({ ...tells, instance: 'a', http: 'http://10.0.0.1:7070' }),
  assignment: { partitions: [], told: encodeTold({ ...leads, tasks: [0, 2], standbys: [1] }) },
}
const group = (members: readonly GroupMember[], state: GroupInfo['state'] = 'stable'): GroupInfo => ({ state, members })

describe('the members of an app', () => {
  it('are who has which task, and where each can be asked', () => {
    expect(membersOf(group([seat]))).toEqual([
      { id: 'm-1', instance: 'a', http: 'http://10.0.0.1:7070', host: '10.0.0.1', tasks: [0, 2], standbys: [1] },
    ])
  })

  it('are not known while the group is in a round, and none when it is empty', () => {
    expect(membersOf(group([seat], 'rebalancing'))).toBeUndefined()
    expect(membersOf(group([], 'empty'))).toEqual([])
  })

  it.each([
    'http://u:p@10.0.0.1',
    'http://10.0.0.1?x=1',
    'file:///etc/passwd',
    'data:application/json,{}',
    '//10.0.0.1',
    'x',
    `http://x${'/'.repeat(1_000_000)}x`,
  ])('of %.30s cannot be asked there', (http) => {
    const told = encodeTold({ ...tells, instance: 'a', http })
    expect(membersOf(group([{ ...seat, told }]))).toMatchObject([{ instance: 'a', http: undefined, tasks: [0, 2] }])
  })

  it.each([
    ['an older version', encodeTold({ ...tells, instance: '', http: '' }), [0, 2]],
    ['another program', undefined, []],
    ['garbage', Buffer.from([1, 2, 3]), []],
  ])('of %s have no address', (_, told, tasks) => {
    const assignment = tasks.length > 0 ? seat.assignment : { partitions: [], told: Buffer.from('{') }
    expect(membersOf(group([{ ...seat, told, assignment }]))).toEqual([
      expect.objectContaining({ instance: 'm-1', http: undefined, tasks }),
    ])
  })
})
