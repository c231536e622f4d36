import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { account, byLane, deposits, names, startedBank, toAll, token } from '../../test/bank.js'
import { withAdmin } from '../../test/with-admin.js'
import type { App } from '../app/app.js'
import type { GroupInfo, GroupMember } from '../log/port.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { encodeTold } from '../runtime/membership/told.js'
import type { MemberView, ObjectList, Snapshot } from '../watch/overview/shapes.js'

const told = (instance: string, http: string): Uint8Array =>
  encodeTold({ transactions: 't', instance, http, holds: [], standbys: [], current: [], stores: [], partitions: {} })

/** The log, whose group says something else to whoever asks. */
const saying = (log: MemoryLog, change: (info: GroupInfo) => GroupInfo): MemoryLog => {
  const open = (): MemoryLog => {
    const own = log.open()
    return withAdmin(own, { describeGroup: async (group) => change(await own.admin.describeGroup(group)) })
  }
  return Object.assign(Object.create(log) as MemoryLog, { open })
}

async function read<T>(app: App, path: string): Promise<T> {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${app.http?.url}${path}`, { headers })
  expect(answer.status).toBe(200)
  return (await answer.json()) as T
}

describe('an address that a member has told the group', () => {
  it('hears nothing that opens another instance', async () => {
    await using log = memoryLog({ partitions: 4 })
    const heard: IncomingHttpHeaders[] = []
    const stranger = createServer((request, response) => {
      heard.push(request.headers)
      response.end('{}')
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => stranger.once('listening', resolve))
    const url = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
    const member = { id: 'm', instanceId: undefined, clientId: 'c', host: '', told: told('stranger', url) }
    const stealing = saying(log, (info) => ({
      ...info,
      members: [...info.members, { ...member, assignment: undefined } satisfies GroupMember],
    }))
    await using app = await startedBank(stealing, { instanceId: 'one' })
    const { members } = await read<Snapshot>(app, '/api/overview')
    expect(members.map(({ instance, away }) => [instance, away === undefined])).toEqual([
      ['one', true],
      ['stranger', false],
    ])
    expect(heard).toHaveLength(1)
    const { authorization = '' } = heard[0] as IncomingHttpHeaders
    expect(JSON.stringify(heard)).not.toContain(token)
    const tried = await fetch(`${app.http?.url}/metrics`, { headers: { authorization } })
    expect(tried.status).toBe(401)
    stranger.close()
  })

  it('is found out to lead to somebody else', async () => {
    await using log = memoryLog({ partitions: 4 })
    await log.send(deposits, toAll(5), byLane)
    let urlOfOne = ''
    const misled = saying(log, (info) => ({
      ...info,
      members: info.members.map((member) =>
        member.instanceId === 'two' ? { ...member, told: told('two', urlOfOne) } : member,
      ),
    }))
    await using one = await startedBank(misled, { instanceId: 'one' })
    await using two = await startedBank(log, { instanceId: 'two' })
    await two.drained()
    urlOfOne = one.http?.url as string
    const owners = await Promise.all(names.map((name) => two.owner(account, name)))
    const there = names[owners.findIndex(({ instance }) => instance === 'two')] as string
    await expect(one.state(account).get(there, { timeout: 300 })).rejects.toMatchObject({
      code: 'OWNER_AWAY',
      message: expect.stringMatching(/this is instance one, and two was to be asked.*advertised/),
    })
    const { members } = await read<Snapshot>(one, '/api/overview')
    const shown = members.find(({ instance }) => instance === 'two') as MemberView
    expect([shown.report, shown.away]).toEqual([undefined, expect.stringContaining('this is instance one')])
    const { objects, missing } = await read<ObjectList>(one, '/api/objects?kind=account&limit=100')
    expect(new Set(objects.map(({ key }) => key)).size).toBe(objects.length)
    expect(missing).toMatchObject([{ instance: 'two' }])
    // What it does not have it says, too: an answer to a request with a body, which `fetch` must not send again.
    const elsewhere = await fetch(`${urlOfOne}/peer/state`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ op: 'get', kind: 'account', key: there, after: [], timeoutMs: 0, stale: false }),
    })
    expect([elsewhere.status, await elsewhere.json()]).toMatchObject([409, { error: { code: 'KEY_ELSEWHERE' } }])
    // It is right where it tells the truth.
    expect(await two.state(account).get(there)).toEqual({ sum: 5, n: 1 })
  })

  it.each([
    '{}',
    'null',
    '{"warnings":[{"at":1,"message":"x"}],"objects":[{"kind":"account","key":"x"}],"instance":7}',
    '{"instance":"two","timers":[{}]}',
    '{"instance":"two","timers":[],"state":7}',
  ])('that answers something else is away: %s', async (text) => {
    await using log = memoryLog({ partitions: 4 })
    const stranger = createServer((_request, response) => {
      response.end(text)
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => stranger.once('listening', resolve))
    const url = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
    const misled = saying(log, (info) => ({
      ...info,
      members: info.members.map((member) =>
        member.instanceId === 'two' ? { ...member, told: told('two', url) } : member,
      ),
    }))
    await using one = await startedBank(misled, { instanceId: 'one' })
    await using two = await startedBank(log, { instanceId: 'two' })
    await two.drained()
    const owners = await Promise.all(names.map((name) => two.owner(account, name)))
    const there = names[owners.findIndex(({ instance }) => instance === 'two')] as string
    const headers = { authorization: `Bearer ${token}` }
    const detail = await fetch(`${one.http?.url}/api/object?kind=account&key=${there}`, { headers })
    expect([detail.status, await detail.json()]).toMatchObject([503, { error: { code: 'OWNER_AWAY' } }])
    for (const path of ['/api/warnings', '/api/quarantined', '/api/objects?kind=account'])
      expect([path, await read(one, path)]).toMatchObject([path, { missing: [{ instance: 'two' }] }])
    stranger.close()
  })
})
