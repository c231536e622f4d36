import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { Disconnected, Exchange } from './exchange.js'

const longMs = 60_000

/** A socket in both its ends, and an exchange on one of them. */
async function connected() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [[broker]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [
    [net.Socket],
    unknown,
  ]
  const others: Buffer[] = []
  const exchange = new Exchange(socket, (message) => others.push(Buffer.from(message)))
  socket.on('data', (piece: Buffer) => exchange.received(piece))
  socket.on('error', () => undefined)
  const ask = (text: string, timeoutMs = longMs): Promise<string> =>
    exchange.ask(text, exchange.nextId(), Buffer.from(text), timeoutMs).then(String)
  return {
    exchange,
    broker,
    others,
    ask,
    [Symbol.dispose]() {
      socket.destroy()
      broker.destroy()
      server.close()
    },
  }
}

function answer(id: number, body: string): Buffer {
  const message = Buffer.alloc(8 + body.length)
  message.writeInt32BE(4 + body.length)
  message.writeInt32BE(id, 4)
  message.write(body, 8)
  return message
}

const first = 0x4000_0000

describe('requests on a connection', () => {
  it('get what follows their correlation id, whichever is answered first', async () => {
    using it = await connected()
    const asked = ['a', 'b', 'c'].map((text) => it.ask(text))
    it.broker.write(Buffer.concat([answer(first + 1, 'of b'), answer(first, 'of a'), answer(first + 2, 'of c')]))
    expect(await Promise.all(asked)).toEqual(['of a', 'of b', 'of c'])
  })

  it('are on their way in the order in which they were asked', async () => {
    using it = await connected()
    const asked = Promise.allSettled(['1', '2', '3', '4'].map((text) => it.ask(text)))
    let received = ''
    while (received.length < 4) received += String((await once(it.broker, 'data'))[0])
    expect(received).toBe('1234')
    it.broker.destroy()
    await asked
  })

  it('leave answers to others, whole, to them', async () => {
    using it = await connected()
    const asked = it.ask('a')
    it.broker.write(Buffer.concat([answer(7, 'of another'), answer(first, 'of a')]))
    await asked
    expect(it.others).toEqual([answer(7, 'of another')])
  })

  it.each([
    ['ends', (broker: net.Socket) => broker.end(), 'Closed connection'],
    ['breaks', (broker: net.Socket) => broker.resetAndDestroy(), 'ECONNRESET'],
    ['sends what is not Kafka', (broker: net.Socket) => broker.write('\0\0\0\x01'), 'what it sends is not Kafka'],
  ])('are all rejected when it %s, and so is what is asked later', async (_, act, reason) => {
    using it = await connected()
    const asked = [it.ask('a'), it.ask('b')]
    act(it.broker)
    for (const result of [...(await Promise.allSettled(asked)), ...(await Promise.allSettled([it.ask('c')]))]) {
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(Disconnected) })
      expect((result as PromiseRejectedResult).reason).toHaveProperty('message', expect.stringContaining(reason))
    }
  })

  it('end the connection when one is not answered in time, though others are', async () => {
    using it = await connected()
    const patient = Promise.allSettled([it.ask('patient')])
    const answered = it.ask('answered', 40)
    it.broker.write(answer(first + 1, 'yes'))
    expect(await answered).toBe('yes')
    await expect(it.ask('hasty', 50)).rejects.toThrow('hasty got no answer in time')
    expect(await patient).toMatchObject([{ status: 'rejected', reason: expect.any(Disconnected) }])
  })

  it('wait for as long as the broker wants to be left alone (KIP-219), the longest time of several', async () => {
    using it = await connected()
    it.exchange.hold(0)
    expect(it.exchange.held).toBeUndefined()
    const began = performance.now()
    it.exchange.hold(80)
    it.exchange.hold(20)
    while (it.exchange.held !== undefined) await it.exchange.held
    expect(performance.now() - began).toBeGreaterThan(70)
  })

  it('wait no longer than the connection lasts', async () => {
    using it = await connected()
    it.exchange.hold(2 ** 31 - 1)
    it.broker.destroy()
    await it.exchange.held
    await expect(it.ask('a')).rejects.toThrow(Disconnected)
  })
})
