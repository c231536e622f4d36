import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { silentLogger } from '../core/logger.js'
import type { SinkBatch, SinkPartition } from '../connect/index.js'
import { listening, Peer, type Opened } from '../../test/tcp.js'
import { framed } from './frames/frame-bytes.js'
import { tcpSink, type TcpSinkOptions } from './index.js'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Whoever listens, and those that have come. */
class Listener {
  readonly peers: Peer[] = []
  readonly server: Server
  /** What it answers to each piece that it hears. */
  answer: (peer: Peer) => string | undefined = () => undefined

  constructor() {
    this.server = createServer((socket: Socket) => {
      const peer = new Peer(socket)
      this.peers.push(peer)
      socket.on('data', () => {
        const answer = this.answer(peer)
        if (answer !== undefined) peer.send(answer)
      })
    })
  }

  async at(port = 0): Promise<number> {
    this.server.listen(port, '127.0.0.1')
    await once(this.server, 'listening')
    closing.push(() => {
      this.peers.forEach(({ socket }) => socket.destroy())
      this.server.close()
    })
    return (this.server.address() as AddressInfo).port
  }
}

async function open(options: TcpSinkOptions): Promise<SinkPartition> {
  const stop = new AbortController()
  const context = { sink: 'test', topic: 't', partition: 0, signal: stop.signal, logger: silentLogger }
  const partition = await tcpSink(options).open(context)
  closing.push(() => partition.close?.())
  return partition
}

function batch(values: readonly (string | null)[], first = 0): SinkBatch {
  const records = values.map((text, i) => ({
    key: null,
    value: text,
    bytes: text === null ? null : Buffer.from(text),
    offset: first + i,
    timestamp: 0,
    headers: new Map(),
  }))
  return { topic: 't', partition: 0, records, nextOffset: first + values.length }
}

const refusedBy = async (work: Promise<void> | void): Promise<[number, string][]> => {
  const error = await Promise.resolve(work).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return [...(error as { records: Map<number, string> }).records]
}

describe('without answers', () => {
  it('writes the bytes of each record as frames, in order, over one connection', async () => {
    const listener = new Listener()
    const sink = await open({ connect: { port: await listener.at() }, frames: 'length' })
    await sink.write!(batch(['a', 'b\n']))
    await sink.write!(batch(['', 'c'], 2))
    const all = framed(
      'length',
      ['a', 'b\n', '', 'c'].map((text) => Buffer.from(text)),
    ).toString('latin1')
    await listener.peers[0]!.hears(all)
    expect([listener.peers.length, listener.peers[0]!.heard]).toEqual([1, all])
  })

  it('refuses what cannot be a frame, and tombstones, each by its offset, before anything is sent', async () => {
    const listener = new Listener()
    const sink = await open({ connect: { port: await listener.at() }, frames: 'line', maxFrameBytes: 10 })
    const refused = await refusedBy(sink.write!(batch(['good', 'a\nb', 'a\r', 'much too long', null], 7)))
    expect(refused).toEqual([
      [8, expect.stringContaining('line feed at byte 1')],
      [9, expect.stringContaining('carriage return')],
      [10, expect.stringContaining('13 bytes, more than the 10')],
      [11, expect.stringContaining('tombstone')],
    ])
    expect(listener.peers).toHaveLength(0)
  })

  it('writes what encode gives, leaves out null, and refuses what it throws on', async () => {
    const listener = new Listener()
    const sink = await open({
      connect: { port: await listener.at() },
      frames: 'line',
      encode({ value, offset }) {
        if (value === 'bad') throw new Error('it is bad')
        return value === null ? null : value === 'odd' ? (7 as never) : `${offset} ${value as string}`
      },
    })
    await sink.write!(batch([null, 'a']))
    await listener.peers[0]!.hears('1 a\n')
    expect(await refusedBy(sink.write!(batch(['bad', 'odd'], 2)))).toEqual([
      [2, 'it is bad'],
      [3, "'encode' gave a number (7); it gives text, bytes, or null to leave the record out"],
    ])
  })

  it('rejects while nobody is there, and writes when somebody is', async () => {
    const listener = new Listener()
    const port = await listener.at()
    closing.splice(0)
    listener.server.close()
    await once(listener.server, 'close')
    const sink = await open({ connect: { port }, frames: 'line' })
    await expect(sink.write!(batch(['a']))).rejects.toThrow(new RegExp(`127.0.0.1:${port}: .*ECONNREFUSED`))
    const later = new Listener()
    await later.at(port)
    await sink.write!(batch(['a']))
    await later.peers[0]!.hears('a\n')
    expect(later.peers[0]!.heard).toBe('a\n')
  })

  it('rejects when the receiver does not read', async () => {
    const listener = new Listener()
    listener.server.on('connection', (socket: Socket) => socket.pause())
    const sink = await open({
      connect: { port: await listener.at() },
      frames: 'length',
      timeout: 200,
      maxFrameBytes: 2 ** 25,
    })
    await expect(sink.write!(batch(['x'.repeat(2 ** 25)]))).rejects.toThrow('a batch of 1 was not read within 200 ms')
  })
})

describe('with answers', () => {
  it('resolves when the last frame is answered', async () => {
    const listener = new Listener()
    listener.answer = ({ heard }) => (heard.endsWith('c\n') ? 'ok 2\nok 3\n' : undefined)
    const sink = await open({ connect: { port: await listener.at() }, frames: 'line', answers: true })
    await sink.write!(batch(['a', 'b', 'c']))
    listener.answer = () => 'ok 4\n'
    await sink.write!(batch(['d'], 3))
    expect(listener.peers.map(({ heard }) => heard)).toEqual(['a\nb\nc\nd\n'])
  })

  it('sends what was not answered again, over a new connection, and nothing else', async () => {
    const listener = new Listener()
    listener.answer = (peer) => (peer.socket.end('ok 2\n'), undefined)
    const sink = await open({ connect: { port: await listener.at() }, frames: 'line', answers: true })
    await expect(sink.write!(batch(['a', 'b', 'c', 'd']))).rejects.toThrow('the receiver has ended the connection')
    listener.answer = () => 'ok 2\n'
    await sink.write!(batch(['a', 'b', 'c', 'd']))
    expect(listener.peers.map(({ heard }) => heard)).toEqual(['a\nb\nc\nd\n', 'c\nd\n'])
  })

  it('says which were refused also when the connection ends before the others are answered', async () => {
    const listener = new Listener()
    listener.answer = (peer) => (peer.socket.end('refused 2 no number\nok 2\n'), undefined)
    const sink = await open({ connect: { port: await listener.at() }, frames: 'line', answers: true })
    await expect(sink.write!(batch(['1', 'x', '3'], 5))).rejects.toThrow('has ended the connection')
    listener.answer = () => 'ok 1\n'
    expect(await refusedBy(sink.write!(batch(['1', 'x', '3'], 5)))).toEqual([[6, 'no number']])
    expect(listener.peers.map(({ heard }) => heard)).toEqual(['1\nx\n3\n', '3\n'])
  })

  it('sends what comes with offsets that were there before, once their batch was taken', async () => {
    const listener = new Listener()
    listener.answer = ({ heard }) => `ok ${heard.split('\n').length - 1}\n`
    const sink = await open({ connect: { port: await listener.at() }, frames: 'line', answers: true })
    await sink.write!(batch(['a', 'b']))
    await sink.write!(batch(['c', 'd']))
    expect(listener.peers.map(({ heard }) => heard)).toEqual(['a\nb\nc\nd\n'])
  })

  it('says which records the receiver refuses, and does not send the others again', async () => {
    const listener = new Listener()
    listener.answer = () => 'refused 2 no number\nok 3\n'
    const sink = await open({ connect: { port: await listener.at() }, frames: 'line', answers: true })
    expect(await refusedBy(sink.write!(batch(['1', 'x', '3'], 5)))).toEqual([[6, 'no number']])
    const { records, ...others } = batch(['1', 'x', '3'], 5)
    await sink.write!({ ...others, records: records.filter(({ offset }) => offset !== 6) })
    expect(listener.peers.map(({ heard }) => heard)).toEqual(['1\nx\n3\n'])
  })

  it.each([
    ['garbage', 'HTTP/1.1 400 Bad Request\r\n', '"HTTP/1.1 400 Bad Request" is no answer'],
    ['a count that is too high', 'ok 3\n', 'it answers frame 3, of 2 that were sent'],
    ['a line without an end', 'ok '.repeat(1_000), 'more than the 1024 bytes'],
    ['an error', 'error 2 too long\n', 'the receiver ends at frame 2: too long'],
  ])('rejects on %s, with where', async (_what, answer, says) => {
    const listener = new Listener()
    listener.answer = () => answer
    const port = await listener.at()
    const sink = await open({ connect: { port }, frames: 'line', answers: true })
    await expect(sink.write!(batch(['a', 'b']))).rejects.toThrow(
      expect.objectContaining({ message: expect.stringMatching(new RegExp(`^127.0.0.1:${port}: `)) }),
    )
    await expect(sink.write!(batch(['a', 'b']))).rejects.toThrow(says)
  })

  it('rejects when no answer comes', async () => {
    const sink = await open({
      connect: { port: await new Listener().at() },
      frames: 'line',
      answers: true,
      timeout: 100,
    })
    await expect(sink.write!(batch(['a']))).rejects.toThrow('a batch of 1 was not answered within 100 ms')
  })

  it('goes into a source with answers', async () => {
    for (const frames of ['length', 'line'] as const) {
      const source: Opened & { port: number } = await listening({ frames }, ({ bytes }) =>
        Buffer.from(bytes!).toString() === 'bad' ? 'it is bad' : undefined,
      )
      closing.push(() => source.close())
      const sink = await open({ connect: { port: source.port }, frames, answers: true })
      expect(await refusedBy(sink.write!(batch(['a', 'bad', 'c'])))).toEqual([[1, 'it is bad']])
      expect(source.texts).toEqual(['a', 'bad', 'c'])
    }
  })
})

it.each<[string, object, string]>([
  ['an unknown option', { connect: { port: 1 }, frames: 'line', listen: { port: 1 } }, "no option 'listen'"],
  ['no place', { frames: 'line' }, 'connect is missing; give where the receiver listens'],
  [
    'a frame longer than 4 bytes can say',
    { connect: { port: 1 }, frames: 'length', maxFrameBytes: 2 ** 32 },
    'maxFrameBytes',
  ],
  ['tls that is none', { connect: { port: 1 }, frames: 'line', tls: { cert: 'x' } }, 'cert and key go together'],
])('refuses %s', (_what, options, says) => {
  expect(() => tcpSink(options as never)).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringContaining(says) }),
  )
})
