import { spokenBy } from '../../../test/broker-versions.js'
import { StubBroker, type StubRequest } from '../../../test/stub-broker.js'
import { silentLogger } from '../../core/logger.js'
import { until } from '../../testing/log-contract/rows.js'
import type { Api } from '../protocol/api.js'
import { Writer } from '../wire/writer.js'
import { openWire, type Wire } from './kafkajs-wire.js'
import { Link, LinkLost } from './link.js'
import { type KafkaOptions, resolveOptions } from './options.js'

const handshake = 17
const authenticate = 36
const question = 90
const last = 91

function asks(key: number): Api<null, string> {
  const only = { lowest: 0, highest: 0, flexibleFrom: Infinity }
  return {
    key,
    name: `Question${key}`,
    ...only,
    encode: () => undefined,
    decode(reader) {
      reader.throttle()
      return reader.string()
    },
  }
}

const zeroToOne = { minVersion: 0, maxVersion: 1 }
const spoken = {
  ...spokenBy('4.1.0'),
  [handshake]: zeroToOne,
  [authenticate]: zeroToOne,
  ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [question + i, zeroToOne])),
}

/** A broker that lets everybody in, for sessions of so long, and answers whatever it is asked. */
function broker({ sessionMs = 0, throttleMs = (): number => 0 } = {}): Promise<StubBroker> {
  return StubBroker.start(spoken, ({ apiKey }: StubRequest) => {
    const writer = new Writer(false)
    if (apiKey === handshake) return writer.int16(0).array(['PLAIN', 'OWN'], (name) => void writer.string(name))
    if (apiKey === authenticate) return writer.int16(0).string(null).bytes(Buffer.alloc(0)).int64(sessionMs)
    return writer.int32(throttleMs()).string(`answer ${apiKey}`)
  })
}

function wireTo(to: StubBroker, options: Omit<KafkaOptions, 'brokers'> = {}): Wire & Disposable & { link(): Link } {
  const wire = openWire(resolveOptions({ brokers: [to.address], ...options }), silentLogger)
  const [host, port] = to.address.split(':') as [string, string]
  return { ...wire, link: () => new Link(wire, { host, port: Number(port) }), [Symbol.dispose]: () => wire.close() }
}

const plain = { mechanism: 'plain', username: 'u', password: 'p' } as const

/** Sends what PLAIN does, and then has more to do. */
const ownMechanism = (afterwards: () => Promise<void>): KafkaOptions['sasl'] => ({
  mechanism: 'OWN',
  authenticationProvider: ({ saslAuthenticate }) => ({
    async authenticate() {
      await saslAuthenticate({ request: { encode: async () => Buffer.from('me') } })
      await afterwards()
    },
  }),
})

/** Sessions of 1.2 s are renewed when 1 s of them is left. */
const sessionMs = 1_200
const reauthenticationThreshold = 1_000
const renewalMs = sessionMs - reauthenticationThreshold + 20

/** Keeps the thread, so that no turn of the event loop ends. */
function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

describe('a connection to a broker', () => {
  it('is asked in the order in which requests were made, those included that are made while it opens', async () => {
    await using it = await broker()
    using wire = wireTo(it)
    const link = wire.link()
    const answers = [0, 1, 2].map((i) => link.request(asks(question + i), null))
    const inBetween: Promise<string>[] = []
    // One in each of the next turns, so that some come as soon as it is open.
    for (let i = 3; i < 40; i++) {
      inBetween.push(link.request(asks(question + i), null))
      await new Promise(setImmediate)
    }
    await Promise.all([...answers, ...inBetween])
    expect(it.asked).toEqual(Array.from({ length: 40 }, (_, i) => question + i))
  })

  it('is asked by nobody before those who wait for it, in whichever microtask', async () => {
    for (let depth = 0; depth < 40; depth++) {
      await using it = await broker()
      let second: Promise<string> | undefined
      const late = async (): Promise<string> => {
        for (let i = 0; i < depth; i++) await Promise.resolve()
        return await link.request(asks(last), null)
      }
      using wire = wireTo(it, { sasl: ownMechanism(async () => void (second = late())) })
      const link = wire.link()
      await link.request(asks(question), null)
      await second
      expect(it.asked).toEqual([handshake, authenticate, question, last])
    }
  })

  it('that ends while the client still authenticates is lost, and nothing waits for it', async () => {
    await using it = await broker()
    using wire = wireTo(it, {
      sasl: ownMechanism(async () => {
        it.hangUp()
        await until(() => it.connections === 0)
      }),
    })
    const link = wire.link()
    const asked = [link.request(asks(question), null), link.request(asks(last), null)]
    for (const result of await Promise.allSettled(asked))
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(LinkLost) })
  })

  it('is authenticated again behind what was asked in the same turn', async () => {
    await using it = await broker({ sessionMs })
    using wire = wireTo(it, { sasl: plain, reauthenticationThreshold })
    const link = wire.link()
    await link.request(asks(question), null)
    it.asked.length = 0
    const before = link.request(asks(question), null)
    spin(renewalMs)
    await Promise.all([before, link.request(asks(last), null)])
    expect(it.asked).toEqual([question, handshake, authenticate, last])
  })

  it('is left alone for as long as the broker wants, and only then authenticated again', async () => {
    let throttled = false
    const throttleMs = (): number => {
      if (throttled) return 0
      throttled = true
      return renewalMs + 150
    }
    await using it = await broker({ sessionMs, throttleMs })
    using wire = wireTo(it, { sasl: plain, reauthenticationThreshold })
    const link = wire.link()
    await link.request(asks(question), null)
    const from = performance.now()
    it.asked.length = 0
    const held = link.request(asks(question), null)
    spin(renewalMs)
    const behind = link.request(asks(last), null)
    await until(() => it.asked.length > 0)
    expect(performance.now() - from).toBeGreaterThan(renewalMs + 100)
    await Promise.all([held, behind])
    expect(it.asked).toEqual([handshake, authenticate, question, last])
  })

  it('that fails leaves no socket open and no timer', async () => {
    await using it = await broker()
    const before = timers()
    using wire = wireTo(it, {
      sasl: ownMechanism(async () => {
        throw new Error('no token')
      }),
    })
    const links = [wire.link(), wire.link()]
    const asked = links.flatMap((link) => [link.request(asks(question), null), link.request(asks(last), null)])
    for (const result of await Promise.allSettled(asked))
      expect(result).toMatchObject({ status: 'rejected', reason: { name: 'LinkRefused' } })
    await until(() => it.connections === 0)
    expect(timers()).toBeLessThanOrEqual(before + 1) // of `until`
  })
})
