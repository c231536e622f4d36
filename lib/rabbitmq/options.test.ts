import { addressOf } from './address.js'
import { rabbitmqSink, rabbitmqSource, type RabbitmqSinkOptions, type RabbitmqSourceOptions } from './index.js'

const url = 'amqp://localhost'
const secret = 's3cr3t'

const refusal = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    expect(error).toMatchObject({ code: 'OPTIONS_INVALID' })
    return (error as Error).message
  }
  return 'accepted'
}

describe('the address of a RabbitMQ server', () => {
  it.each([
    ['amqp://localhost', { hostname: 'localhost', port: 5672, vhost: '/', username: 'guest', password: 'guest' }],
    ['amqps://rabbit.example', { port: 5671, tls: {} }],
    [
      'amqp://me:p%40ss%2F%23%C3%A9@rabbit.example:1234/',
      { username: 'me', password: 'p@ss/#é', port: 1234, vhost: '/' },
    ],
    ['amqp://me@h/%2F', { username: 'me', password: '', vhost: '/' }],
    ['amqp://h/a%2Fb', { vhost: 'a/b' }],
    ['amqp://[::1]:5673/v?heartbeat=30', { hostname: '::1', port: 5673, vhost: 'v', heartbeat: 30 }],
    [{}, { hostname: 'localhost', port: 5672, vhost: '/', heartbeat: 10, connectTimeoutMs: 10_000 }],
    [
      { tls: { ca: 'x' }, password: 'p' },
      { port: 5671, tls: { ca: 'x' }, username: 'guest', password: 'p' },
    ],
  ])('is read from %j', (given, expected) => {
    expect(addressOf(given, 'source')).toMatchObject(expected)
  })

  it.each([
    ['no URL', `${secret}`, 'it is no URL'],
    ['another protocol', `http://me:${secret}@h`, 'amqp://'],
    ['no host', 'amqp://', 'it names no host'],
    ['a slash in the password', `amqp://me:${secret}/x@h`, 'written as %2F'],
    ['a # in the password', `amqp://me:1#${secret}@h`, 'as %23'],
    ['a ? in the password', `amqp://me:1?${secret}@h`, 'only heartbeat=SECONDS'],
    ['a lone % in the password', `amqp://me:%${secret}@h`, 'as %25'],
    ['port 0', 'amqp://h:0', 'its port is 0'],
    ['a port that is too large', `amqp://me:${secret}@h:65536`, 'it is no URL'],
    ['a path of two parts', 'amqp://h/a/b', 'more than a vhost'],
    ['an unknown parameter', 'amqp://h?frameMax=1', 'only heartbeat=SECONDS'],
    ['a heartbeat that is no number', 'amqp://h?heartbeat=-1', 'from 0 to 65535'],
    ['empty text', '', 'it is no URL'],
    ['nothing', undefined, 'url is missing; give amqp://'],
    ['a number', 7, 'in the place of options'],
    ['a Map', new Map(), 'in the place of options'],
    ['an unknown option', { host: 'h' }, "there is no option 'host'"],
    ['a password that is no text', { password: 12_345 }, 'its password is no text'],
    ['a fractional port', { port: 1.5 }, 'port is a number (1.5)'],
    ['NaN for a heartbeat', { heartbeat: NaN }, 'heartbeat is a number (NaN)'],
    ['no duration', { connectTimeout: '1 s' }, 'connectTimeout is text ("1 s")'],
    ['tls that says nothing', { tls: 'yes' }, 'tls is text ("yes")'],
  ])('is refused with %s, without showing what may be a password', (_what, given, message) => {
    const text = refusal(() => rabbitmqSource({ url: given as string, queue: 'q' }))
    expect(text).toContain(message)
    expect(text).not.toContain(secret)
    expect(text).not.toContain('12345')
  })
})

describe('the options of a source', () => {
  it('make the queues its partitions', () => {
    expect(rabbitmqSource({ url, queue: 'a' })).toMatchObject({
      kind: 'rabbitmq',
      delivery: 'acknowledged',
      partitions: ['a'],
      everywhere: false,
    })
    const several = { url, queue: ['a', 'b'], everywhere: true }
    expect(rabbitmqSource(several)).toMatchObject({ partitions: ['a', 'b'], everywhere: true })
  })

  it.each([
    [{ queue: undefined }, 'queue is missing'],
    [{ queue: '' }, 'queue is text ("")'],
    [{ queue: [] }, 'queue is a list of nothing'],
    [{ queue: ['a', 'a'] }, 'a list of different names'],
    [{ queue: 'ä'.repeat(128) }, 'give the name of a queue'],
    [{ queue: '\ud800' }, 'give the name of a queue'],
    [{ prefetch: 0 }, 'prefetch is a number (0)'],
    [{ prefetch: 65_536 }, 'from 1 to 65535'],
    [{ prefetch: 1.5 }, 'prefetch is a number (1.5)'],
    [{ id: 'messageId' }, 'id is text'],
    [{ key: 1 }, 'key is a number'],
    [{ timestamp: true }, 'timestamp is a boolean'],
    [{ everywhere: 'yes' }, 'everywhere is text'],
    [{ declare: true }, 'declare: a boolean (true) in the place of options'],
    [{ declare: { durable: 1 } }, 'durable is a number'],
    [{ declare: { arguments: 'x' } }, 'arguments is text'],
    [{ prefech: 1 }, "there is no option 'prefech'"],
  ])('are refused: %j', (more, message) => {
    const options = { url, queue: 'q', ...more } as unknown as RabbitmqSourceOptions
    expect(refusal(() => rabbitmqSource(options))).toContain(message)
  })
})

describe('the options of a sink', () => {
  it.each([
    [{}, 'exchange and queue are missing'],
    [{ queue: 'q', exchange: 'x' }, 'with queue there is no exchange'],
    [{ queue: 'q', routingKey: 'k' }, 'with queue there is no exchange and no routingKey'],
    [{ exchange: 'x', declare: {} }, 'declare is about a queue'],
    [{ exchange: 'x'.repeat(256) }, 'exchange is text'],
    [{ exchange: 'x', routingKey: 7 }, 'routingKey is a number (7)'],
    [{ queue: 'q', persistent: 1 }, 'persistent is a number'],
    [{ queue: 'q', mandatory: null }, 'mandatory is null'],
    [{ queue: 'q', tombstones: 'drop' }, "give 'send' or 'skip'"],
    [{ queue: 'q', properties: {} }, 'properties is an object'],
    [{ queue: 'q', confirm: false }, "there is no option 'confirm'"],
  ])('are refused: %j', (more, message) => {
    const options = { url, ...more } as unknown as RabbitmqSinkOptions
    expect(refusal(() => rabbitmqSink(options))).toContain(message)
  })

  it('are for topics whose name has room in a messageId', () => {
    const context = { sink: 's', topic: 't'.repeat(228), partition: 0, signal: AbortSignal.abort(), logger: console }
    expect(() => rabbitmqSink({ url, queue: 'q' }).open(context)).toThrow('has no place in a messageId')
  })
})

describe('without the package amqplib', () => {
  beforeEach(() => {
    jest.doMock('amqplib', () => {
      throw new Error("Cannot find module 'amqplib'")
    })
  })
  afterEach(() => jest.dontMock('amqplib'))

  const missing = { code: 'PACKAGE_MISSING', message: expect.stringContaining('npm install amqplib') }
  const { signal } = new AbortController()

  it('a source says so when it is opened', async () => {
    const opened = rabbitmqSource({ url, queue: 'q' }).open({
      source: 's',
      partition: 'q',
      position: undefined,
      signal,
      logger: console,
    })
    await expect(opened[Symbol.asyncIterator]().next()).rejects.toMatchObject(missing)
  })

  it('a sink says so when it is opened', async () => {
    const opened = rabbitmqSink({ url, queue: 'q' }).open({
      sink: 's',
      topic: 't',
      partition: 0,
      signal,
      logger: console,
    })
    await expect(opened).rejects.toMatchObject(missing)
  })
})
