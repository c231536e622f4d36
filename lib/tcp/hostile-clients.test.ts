import { framed } from './frames/frame-bytes.js'
import { listening, type Opened, Peer } from '../../test/tcp.js'
import type { SourceBatch } from '../connect/index.js'
import { silentLogger } from '../core/logger.js'
import { tcpSource, type TcpSourceOptions } from './index.js'

let stuck: { iterator: AsyncIterator<SourceBatch>; first: Promise<unknown> } | undefined

const opened: Opened[] = []
const peers: Peer[] = []
afterEach(async () => {
  peers.splice(0).forEach(({ socket }) => socket.destroy())
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

async function listen(options: Partial<TcpSourceOptions> = {}) {
  const source = await listening({ frames: 'length', ...options })
  opened.push(source)
  return source
}

async function peerOf({ port }: { readonly port: number }): Promise<Peer> {
  const peer = await Peer.to(port)
  peers.push(peer)
  return peer
}

const frame = (text: string): Buffer => framed('length', [Buffer.from(text)])

/** What they send behind a good frame, and what they, and the log, are told of their second frame. */
const hostile: [string, (peer: Peer) => void, string, Partial<TcpSourceOptions>?][] = [
  ['a length of 2^31', (peer) => peer.send(Buffer.from([0x80, 0, 0, 0])), 'its length says 2147483648 bytes'],
  ['a length of 2^32-1', (peer) => peer.send(Buffer.from([255, 255, 255, 255])), 'its length says 4294967295 bytes'],
  ['another protocol', (peer) => peer.send('GET / HTTP/1.1\r\n\r\n'), 'its length says 1195725856 bytes'],
  ['a frame one byte too long', (peer) => peer.send(frame('x'.repeat(1_001))), 'its length says 1001 bytes'],
  [
    'half a frame, and no more',
    (peer) => peer.send(frame('half').subarray(0, 6)),
    'not whole after',
    { frameTimeout: 50 },
  ],
  ['a length, and no more', (peer) => peer.send(frame('half').subarray(0, 4)), 'not whole after', { frameTimeout: 50 }],
  ['half a length, and no more', (peer) => peer.send(Buffer.from([0, 0])), 'not whole after', { frameTimeout: 50 }],
  ['a frame in drops', (peer) => drip(peer, 'x'.repeat(500)), 'not whole after', { frameTimeout: 50 }],
  ['nothing', () => undefined, 'nothing came for 300 ms', { idleTimeout: 300 }],
  ['half a frame, and the end', (peer) => peer.socket.end(frame('half').subarray(0, 6)), 'ended before it was whole'],
  ['a flood behind a bad length', (peer) => flood(peer), 'its length says 4294967295 bytes'],
]

function drip(peer: Peer, text: string): void {
  const bytes = frame(text)
  let at = 0
  const timer = setInterval(() => {
    if (peer.isClosed || at >= bytes.length) clearInterval(timer)
    else peer.send(bytes.subarray(at, ++at))
  }, 5)
}

function flood(peer: Peer): void {
  peer.send(Buffer.from([255, 255, 255, 255]))
  const more = (): void => {
    if (!peer.isClosed) peer.socket.write(Buffer.alloc(65_536), () => setImmediate(more))
  }
  more()
}

describe('a client that sends', () => {
  it.each(hostile)(
    '%s is told so, is logged with where, and hurts only itself',
    async (...[, misbehave, says, options]) => {
      const source = await listen({ maxFrameBytes: 1_000, idleTimeout: '20s', ...options })
      const good = await peerOf(source)
      const bad = await peerOf(source)
      const name = `127.0.0.1:${bad.socket.localPort} frame 2`
      bad.send(frame('from the bad one'))
      await bad.hears('ok 1')
      misbehave(bad)
      const keepingOn = setInterval(() => good.send(frame('from the good one')), 10)
      await bad.closed()
      clearInterval(keepingOn)
      expect(bad.heard).toContain('error 2 ')
      expect(bad.heard).toContain(says)
      expect(source.warnings.filter((warning) => warning.includes(name))).toEqual([expect.stringContaining(says)])
      good.send(frame('the last one'))
      const others = (): string[] => source.texts.filter((text) => text === 'from the bad one')
      while (!source.texts.includes('the last one')) await source.holds(source.records.length + 1)
      expect(others()).toHaveLength(1)
      expect(good.isClosed).toBe(false)
    },
  )

  it('frames and then something bad has its frames taken and answered first', async () => {
    const source = await listen({ maxFrameBytes: 1_000 })
    const bad = await peerOf(source)
    bad.send(Buffer.concat([frame('a'), frame('b'), Buffer.alloc(4, 255), frame('c')]))
    await bad.closed()
    expect(source.texts).toEqual(['a', 'b'])
    expect(bad.heard.replaceAll(/[^ -~]/g, '|')).toMatch(/ok 2\|+.?error 3 its length says 4294967295/)
  })
})

describe('clients beyond the limit', () => {
  it('are sent away, until one of the others leaves', async () => {
    const source = await listen({ maxClients: 2, frames: 'line' })
    const [first, second] = [await peerOf(source), await peerOf(source)]
    first.send('a\n')
    second.send('b\n')
    await first.hears('ok 1')
    await second.hears('ok 1')
    const third = await peerOf(source)
    await third.closed()
    expect(source.warnings).toEqual([expect.stringContaining('there are 2 clients already')])
    first.socket.end()
    await first.closed()
    const fourth = await peerOf(source)
    fourth.send('c\n')
    await fourth.hears('ok 1')
  })

  it('are logged ten times, and then counted', async () => {
    const source = await listen({ maxClients: 1 })
    await peerOf(source)
    for (let i = 0; i < 30; i++) await (await peerOf(source)).closed()
    expect(source.warnings).toHaveLength(10)
    await source.close()
    expect(source.warnings.at(-1)).toContain('20 more warnings')
  })
})

describe('a source whose batches are not taken', () => {
  it('does not read its clients further than it has to', async () => {
    const before = process.memoryUsage().arrayBuffers
    let port = 0
    const begun = new Promise<void>((resolve) => {
      const options = { listen: { port: 0 }, frames: 'line' as const, answers: true, maxBufferedBytes: 100_000 }
      const source = tcpSource({ ...options, onListening: (place) => resolve(void (port = place.port)) })
      const stop = new AbortController()
      const context = { source: 's', partition: '0', position: undefined, signal: stop.signal, logger: silentLogger }
      const iterator = source.open(context)[Symbol.asyncIterator]()
      stuck = { iterator, first: iterator.next() }
    })
    await begun
    const flooding = await Promise.all([Peer.to(port), Peer.to(port), Peer.to(port)])
    peers.push(...flooding)
    const line = `${'x'.repeat(99)}\n`.repeat(1_000)
    const sent = flooding.map(({ socket }) => {
      let bytes = 0
      const more = (): void => void (socket.destroyed || socket.write(line, () => ((bytes += line.length), more())))
      more()
      return () => bytes
    })
    await stuck!.first
    // Nothing says that it will not go on: as soon as it is standing still for a while, it stands still.
    for (let last = -1, now = 0; now !== last; now = sent.reduce((sum, each) => sum + each(), 0)) {
      last = now
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    // What the kernel holds on both sides is a few megabytes for each.
    for (const each of sent) expect(each()).toBeLessThan(16_000_000)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60_000_000)
    flooding.forEach(({ socket }) => socket.destroy())
    await stuck!.iterator.return!()
  })
})

it('a client of which all is refused, and that reads why, is told all of it and stays', async () => {
  const count = 20_000
  const source = await listening({ frames: 'line', batchRecords: count }, () => 'x'.repeat(200))
  opened.push(source)
  const peer = await peerOf(source)
  peer.send('!\n'.repeat(count))
  await peer.hears(`ok ${count}\n`)
  expect(source.records).toHaveLength(count)
  expect(source.warnings).toEqual([])
  expect(peer.heard.match(/^refused /gm)).toHaveLength(count)
  peer.send('!\n')
  await peer.hears(`ok ${count + 1}\n`)
})

it('a client that ends behind many refusals hears the last count too', async () => {
  const count = 20_000
  const source = await listening({ frames: 'line', batchRecords: count }, () => 'x'.repeat(200))
  opened.push(source)
  const peer = await peerOf(source)
  peer.socket.end('!\n'.repeat(count))
  await peer.hears(`ok ${count}\n`)
  expect(source.warnings).toEqual([])
})

it('clients that never read their answers are not remembered more than one count, and end when refusals pile up', async () => {
  const source = await listening({ frames: 'line', frameTimeout: 500 }, ({ bytes }) =>
    bytes![0] === 33 ? 'x'.repeat(200) : undefined,
  )
  opened.push(source)
  const silent = await peerOf(source)
  silent.socket.pause()
  silent.send('a\n'.repeat(300_000))
  await source.holds(300_000)
  expect(source.warnings).toEqual([])
  const name = `127.0.0.1:${silent.socket.localPort}`
  const refused = '!\n'.repeat(10_000)
  const more = (): void => void (silent.isClosed || silent.socket.write(refused, () => setImmediate(more)))
  more()
  while (source.warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(source.warnings[0]).toContain(name)
  expect(source.warnings[0]).toContain('does not read its answers')
  const other = await peerOf(source)
  other.send('b\n')
  await other.hears('ok 1')
})
