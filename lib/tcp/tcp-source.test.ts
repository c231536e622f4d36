import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { listening, Opened, Peer } from '../../test/tcp.js'
import { framed } from './frames/frame-bytes.js'
import { tcpSource, type TcpSourceOptions } from './index.js'

const opened: Opened[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

async function listen(options: Partial<TcpSourceOptions> = {}, judge?: Parameters<typeof listening>[1]) {
  const source = await listening(options, judge)
  opened.push(source)
  return source
}

describe('a source that listens', () => {
  it('gives lines as records, with where they came from, and answers those that are committed', async () => {
    const source = await listen()
    const peer = await Peer.to(source.port)
    peer.send('one\ntwo\r\nthr').send('ee\n')
    await peer.hears('ok 3\n')
    expect(source.texts).toEqual(['one', 'two', 'three'])
    const name = `127.0.0.1:${peer.socket.localPort}`
    expect(source.records.map(({ at }) => at)).toEqual([1, 2, 3].map((n) => `${name} frame ${n}`))
    peer.socket.destroy()
  })

  it('gives frames behind their length, and answers in such frames', async () => {
    const source = await listen({ frames: 'length' })
    const peer = await Peer.to(source.port)
    peer.send(framed('length', [Buffer.from('a\nb'), Buffer.alloc(0)]))
    await peer.hears('ok 2')
    expect(source.texts).toEqual(['a\nb', ''])
    expect(peer.heard.slice(-8)).toBe('\0\0\0\x04ok 2')
    peer.socket.destroy()
  })

  it('says which frames were refused', async () => {
    const source = await listen({}, ({ bytes }) => (Buffer.from(bytes!).includes('bad') ? 'it is\nbad' : undefined))
    const peer = await Peer.to(source.port)
    peer.send('good\nbad\ngood\n')
    await peer.hears('ok 3\n')
    expect(peer.heard).toContain('refused 2 it is bad\n')
    peer.socket.destroy()
  })

  it('answers all that a client has sent that says no more, and then ends', async () => {
    const source = await listen()
    const peer = await Peer.to(source.port)
    peer.socket.end('a\nb\nc\n')
    await peer.closed()
    expect(peer.heard).toMatch(/ok 3\n$/)
    expect(source.texts).toEqual(['a', 'b', 'c'])
  })

  it('takes what clients have sent that are gone', async () => {
    for (const answers of [true, false]) {
      const source = await listen({ answers })
      const peer = await Peer.to(source.port)
      peer.socket.end('a\nb\n')
      await source.holds(2)
      await peer.closed()
      expect(source.texts).toEqual(['a', 'b'])
    }
  })

  it('answers nothing unless told to', async () => {
    const source = await listen({ answers: false })
    const peer = await Peer.to(source.port)
    peer.socket.end('a\n')
    await peer.closed()
    expect([source.texts, peer.heard]).toEqual([['a'], ''])
  })

  it('gives each frame its id and what `record` says of it; what they throw refuses the frame', async () => {
    const source = await listen({
      id: (frame) => frame.toString().split(' ')[0]!,
      record: (frame) => ({
        key: frame.toString().split(' ')[1]!.toUpperCase(),
        headers: new Map([['a', Buffer.from('b')]]),
      }),
    })
    const peer = await Peer.to(source.port)
    peer.send('1 k\n2\n k\n')
    await peer.hears('ok 3\n')
    expect(source.records[0]).toMatchObject({ id: '1', key: 'K', bytes: Buffer.from('1 k') })
    expect(source.records.slice(1).map(({ refused }) => refused)).toEqual([
      expect.stringContaining('undefined'),
      "'id' gave empty text; it gives a text that is not empty",
    ])
    expect(peer.heard).toContain('refused 3 ')
    peer.socket.destroy()
  })

  it('takes from all clients in turns', async () => {
    const source = await listen({ batchRecords: 10 })
    const peers = await Promise.all(Array.from({ length: 20 }, () => Peer.to(source.port)))
    peers.forEach((peer, i) => peer.send(Array.from({ length: 50 }, (_, j) => `${i} ${j}\n`).join('')))
    await Promise.all(peers.map((peer) => peer.hears('ok 50\n')))
    for (let i = 0; i < peers.length; i++) {
      const own = source.texts.filter((text) => text.startsWith(`${i} `))
      expect(own).toEqual(Array.from({ length: 50 }, (_, j) => `${i} ${j}`))
      peers[i]!.socket.destroy()
    }
    expect(Math.max(...source.batches.map(({ records }) => records.length))).toBeLessThanOrEqual(10)
  })

  it('frees its port when it is closed, and is opened there again', async () => {
    const source = await listen()
    const peer = await Peer.to(source.port)
    await source.close()
    await peer.closed()
    const again = await listen({ listen: { port: source.port } })
    expect(again.port).toBe(source.port)
  })

  it('says that its port is in use', async () => {
    const source = await listen()
    const second = new Opened(tcpSource({ listen: { port: source.port }, frames: 'line' }))
    await expect(second.ended).rejects.toThrow(`cannot listen on 127.0.0.1:${source.port}: `)
  })

  it('ends when it is told to, while nothing comes', async () => {
    const source = await listen()
    await source.close()
    await expect(source.ended).resolves.toBeUndefined()
  })
})

describe('a source that connects', () => {
  async function sender(): Promise<{ port: number; next: () => Promise<Peer>; close: () => void }> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const next = async (): Promise<Peer> => new Peer(((await once(server, 'connection')) as [Socket])[0])
    return { port: (server.address() as AddressInfo).port, next, close: () => void server.close() }
  }

  it('gives and answers what comes; then it throws, to be opened again', async () => {
    const { port, next, close } = await sender()
    const connected = next()
    const source = new Opened(tcpSource({ connect: { port }, frames: 'line', answers: true }))
    const peer = await connected
    peer.socket.end('one\ntwo\n')
    await expect(source.ended).rejects.toThrow(`127.0.0.1:${port}: the connection has ended`)
    expect(source.texts).toEqual(['one', 'two'])
    await peer.closed()
    expect(peer.heard).toMatch(/ok 2\n$/)
    close()
  })

  it('throws with where when nobody is there', async () => {
    const { port, close } = await sender()
    close()
    const source = new Opened(tcpSource({ connect: { port }, frames: 'line' }))
    await expect(source.ended).rejects.toThrow(new RegExp(`127.0.0.1:${port}: .*ECONNREFUSED`))
  })

  it('is closed while it is connected', async () => {
    const { port, next, close } = await sender()
    const connected = next()
    const source = new Opened(tcpSource({ connect: { port }, frames: 'line' }))
    const peer = await connected
    await source.close()
    await peer.closed()
    await expect(source.ended).resolves.toBeUndefined()
    close()
  })
})

it.each<[string, object, string]>([
  ['an unknown option', { port: 7000, listen: { port: 1 } }, "no option 'port'"],
  ['no frames', { listen: { port: 1 } }, 'frames is missing'],
  ['both', { frames: 'line', listen: { port: 1 }, connect: { port: 1 } }, 'either listen or connect'],
  ['neither', { frames: 'line' }, 'either listen or connect'],
  ['a port that is none', { frames: 'line', listen: { port: 65_536 } }, 'port is'],
  ['port 0 to connect to', { frames: 'line', connect: { port: 0 } }, 'port is'],
  ['a misspelt place', { frames: 'line', listen: { port: 1, hots: 'a' } }, "no option 'hots'"],
  ['a place that is none', { frames: 'line', listen: 7000 }, 'listen'],
  ['ids everywhere', { frames: 'line', listen: { port: 1 }, id: String, everywhere: true }, 'everywhere and id'],
  ['connecting everywhere', { frames: 'line', connect: { port: 1 }, everywhere: true }, 'everywhere goes with listen'],
  ['a size that is none', { frames: 'line', listen: { port: 1 }, maxFrameBytes: -1 }, 'maxFrameBytes'],
  ['a time that is none', { frames: 'line', listen: { port: 1 }, idleTimeout: '5 minutes' }, 'idleTimeout'],
])('refuses %s', (_what, options, says) => {
  expect(() => tcpSource(options as never)).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringContaining(says) }),
  )
})

it('says what it can promise', () => {
  const base = { listen: { port: 1 }, frames: 'line' as const }
  expect(tcpSource(base)).toMatchObject({ kind: 'tcp', delivery: 'volatile', everywhere: false })
  expect(tcpSource({ ...base, answers: true, everywhere: true })).toMatchObject({
    delivery: 'acknowledged',
    everywhere: true,
  })
})
