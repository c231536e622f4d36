import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import tls from 'node:tls'
import { createApp, MillraceError, stateObject, text, topic } from 'millrace'
import { z } from 'zod'
import type { Logger } from '../lib/core/logger.js'
import { silentLogger } from '../lib/core/logger.js'
import { kafkaLog } from '../lib/kafka/kafka-log.js'
import type { KafkaOptions } from '../lib/kafka/connection/options.js'
import { GroupMember } from '../lib/testing/log-contract/group-member.js'
import {
  batchOf,
  allPartitions,
  positionOf,
  put,
  settled,
  transactionsOf,
  until,
  valuesOf,
} from '../lib/testing/log-contract/rows.js'
import { nextName } from './names.js'
import { describeWithSecureKafka, type SecureKafka } from './setup/with-secure-kafka.js'

const authority = (kafka: SecureKafka): { ca: string[] } => ({ ca: [kafka.pem('ca.crt')] })

const right: Readonly<Record<string, (kafka: SecureKafka) => KafkaOptions>> = {
  'TLS and SCRAM-SHA-512': (kafka) => ({
    brokers: [kafka.sasl],
    ssl: authority(kafka),
    sasl: { mechanism: 'scram-sha-512', ...kafka.users['SCRAM-SHA-512'] },
    reauthenticationThreshold: 2_000, // of sessions of 4 s
  }),
  'TLS and PLAIN': (kafka) => ({
    brokers: [kafka.sasl],
    ssl: authority(kafka),
    sasl: { mechanism: 'plain', ...kafka.users.PLAIN },
  }),
  'TLS with a client certificate': (kafka) => ({
    brokers: [kafka.mutual],
    ssl: { ...authority(kafka), cert: kafka.pem('client.crt'), key: kafka.pem('client.key') },
  }),
}

/** What is refused, in which words, and, where the words are those of Node, which others say otherwise, by which code. */
const wrong: Readonly<
  Record<string, readonly [options: (kafka: SecureKafka) => KafkaOptions, says: RegExp, code?: RegExp]>
> = {
  'a wrong SCRAM password': [
    (kafka) => ({
      brokers: [kafka.sasl],
      ssl: authority(kafka),
      sasl: { mechanism: 'scram-sha-512', ...kafka.users['SCRAM-SHA-512'], password: 'no' },
    }),
    /localhost:\d+: SASL SCRAM SHA512 authentication failed: .*invalid credentials.* Check the options ssl and sasl\.$/,
  ],
  'a wrong PLAIN password': [
    (kafka) => ({
      brokers: [kafka.sasl],
      ssl: authority(kafka),
      sasl: { mechanism: 'plain', ...kafka.users.PLAIN, password: 'no' },
    }),
    /localhost:\d+: SASL PLAIN authentication failed: .*Invalid username or password\. Check the options ssl and sasl\.$/,
  ],
  'a mechanism the broker does not offer': [
    (kafka) => ({
      brokers: [kafka.sasl],
      ssl: authority(kafka),
      sasl: { mechanism: 'scram-sha-256', ...kafka.users['SCRAM-SHA-512'] },
    }),
    /localhost:\d+: The broker does not support the requested SASL mechanism\. Check the options ssl and sasl\.$/,
  ],
  'a broker whose authority is not known': [
    (kafka) => ({ brokers: [kafka.sasl], ssl: true, sasl: { mechanism: 'plain', ...kafka.users.PLAIN } }),
    /localhost:\d+: Connection error: .*\. Check the options ssl and sasl\.$/,
    /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT)/,
  ],
  'no client certificate where one is asked for': [
    (kafka) => ({ brokers: [kafka.mutual], ssl: authority(kafka) }),
    /localhost:\d+: Connection error: .*\. Check the options ssl and sasl\.$/,
    /^ERR_SSL_.*CERTIFICATE/,
  ],
  'TLS spoken to a plaintext listener': [
    (kafka) => ({ brokers: [kafka.plaintext], ssl: authority(kafka) }),
    /127\.0\.0\.1:\d+: the listener speaks plaintext, not TLS: leave out the option ssl.* Check the options ssl and sasl\.$/,
    /./,
  ],
  'no SASL where it is asked for': [
    (kafka) => ({ brokers: [kafka.sasl], ssl: authority(kafka) }),
    /localhost:\d+: the listener asks for SASL \(.*SCRAM-SHA-512.*\): set the option sasl.* Check the options ssl and sasl\.$/,
    /./,
  ],
  'SASL where nobody asks for it': [
    (kafka) => ({
      brokers: [kafka.mutual],
      ssl: { ...authority(kafka), cert: kafka.pem('client.crt'), key: kafka.pem('client.key') },
      sasl: { mechanism: 'plain', ...kafka.users.PLAIN },
    }),
    /localhost:\d+: .*the listener does not ask for SASL: leave out the option sasl.* Check the options ssl and sasl\.$/,
  ],
  'a certificate of another host': [
    (kafka) => ({
      brokers: [kafka.sasl],
      ssl: { ...authority(kafka), servername: 'kafka.example' },
      sasl: { mechanism: 'plain', ...kafka.users.PLAIN },
    }),
    /localhost:\d+: Connection error: .*\. Check the options ssl and sasl\.$/,
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
  ],
  'plaintext spoken to a TLS listener': [
    (kafka) => ({ brokers: [kafka.sasl] }),
    /localhost:\d+: Connection error: the listener speaks TLS\. Check the options ssl and sasl\.$/,
    /^TLS_EXPECTED$/,
  ],
}

/** What cannot even be tried. */
const unusable: Readonly<Record<string, readonly [ssl: (kafka: SecureKafka) => KafkaOptions['ssl'], says: RegExp]>> = {
  'a key that cannot be read': [
    (kafka) => ({ ...authority(kafka), cert: kafka.pem('client.crt'), key: 'no key' }),
    /option 'ssl\.key' is not in PEM format/,
  ],
  'the path of a key': [
    (kafka) => ({ ...authority(kafka), cert: kafka.pem('client.crt'), key: '/etc/kafka/client.key' }),
    /option 'ssl\.key' is not in PEM format.*give the contents of the file '\/etc\/kafka\/client\.key', not its path/,
  ],
  'a damaged key': [
    (kafka) => ({
      ...authority(kafka),
      cert: kafka.pem('client.crt'),
      key: kafka.pem('client.key').replace(/\n.{9}/, '\n!!!!!!!!!'),
    }),
    /option 'ssl': .*Compare key, passphrase, cert and pfx/,
  ],
  'the key of another certificate': [
    (kafka) => ({ ...authority(kafka), cert: kafka.pem('client.crt'), key: kafka.pem('ca.key') }),
    /option 'ssl': .*Compare key, passphrase, cert and pfx/,
  ],
  'an authority that is none': [() => ({ ca: ['no certificate'] }), /option 'ssl\.ca' is not in PEM format/],
  'a damaged authority': [
    (kafka) => ({ ca: [kafka.pem('ca.crt').replace(/\n.{9}/, '\nAAAAAAAAA')] }),
    /option 'ssl\.ca': a certificate in it cannot be read/,
  ],
}

/** The code of what an error was first caused by. */
function innermostCode(error: unknown): string {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown }
  return cause === undefined ? String(code) : innermostCode(cause)
}

describeWithSecureKafka('a broker that must be trusted and must trust', (kafka) => {
  jest.setTimeout(30_000)

  it.each(Object.entries(right))(
    'serves over %s: topics, appends, reads, a group, a transaction',
    async (_, options) => {
      await using log = kafkaLog(options(kafka()), { logger: silentLogger })
      const name = nextName('secure')
      await log.admin.create([{ name, partitions: 2, replicationFactor: -1, configs: {} }])
      const [first, second] = allPartitions(name, 2)
      await put(log, first!, batchOf(['plain']))

      await using member = await GroupMember.join(log, { group: nextName('group'), topic: name, partitions: 2 })
      await using channel = await transactionsOf(log, nextName('id'))
      for (const act of ['commit', 'abort'] as const) {
        await channel.begin([first!, second!], member.group)
        for (const at of [first!, second!]) await channel.append(at, batchOf([`${act} ${at.partition}`]))
        await channel.offsets(member.generation, positionOf(first!, act === 'commit' ? 1 : 2))
        await channel[act]()
      }
      for (const at of [first!, second!]) await settled(log, at)

      expect(member.held).toEqual([0, 1])
      expect(await valuesOf(log, first!)).toEqual(['plain', 'commit 0'])
      expect(await valuesOf(log, second!)).toEqual(['commit 1'])
      expect(await valuesOf(log, second!, 'all')).toEqual(['commit 1', 'abort 1'])
      expect(await log.admin.stableCommitted(member.group, [first!])).toEqual(positionOf(first!, 1))
    },
  )

  it('authenticates again before its session ends, on the same connection, whatever is under way on it', async () => {
    await using log = kafkaLog(right['TLS and SCRAM-SHA-512']!(kafka()), { logger: silentLogger })
    const name = nextName('sessions')
    await log.admin.create([{ name, partitions: 1, replicationFactor: -1, configs: {} }])
    await using channel = await log.idempotent()
    const [at] = allPartitions(name, 1)
    await channel.begin([at!], undefined)
    const connect = jest.spyOn(tls, 'connect')
    const end = performance.now() + 9_000
    let requests = 0
    const ask = async (request: () => Promise<unknown>): Promise<void> => {
      for (; performance.now() < end; requests++) await request()
    }
    const append = (): Promise<unknown> => channel.append(at!, batchOf(['again']))
    const list = (): Promise<unknown> => log.admin.list(name)
    await Promise.all([append, append, append, list, list, list].map(ask))
    expect(requests).toBeGreaterThan(100)
    // One for lists at most, and one for appends: each lasts for more than two sessions.
    expect(connect.mock.calls.length).toBeLessThanOrEqual(2)
    connect.mockRestore()
  })

  it.each(Object.entries(wrong))(
    'refuses %s at once, in words that say what is wrong',
    async (_, [options, says, code = /./]) => {
      await using log = kafkaLog(options(kafka()), { logger: silentLogger })
      const uses = [
        log.admin.list(''),
        log.idempotent(),
        transactionsOf(log, nextName('id')),
        GroupMember.join(log, { group: nextName('group'), topic: 'any', partitions: 1 }),
      ]
      for (const result of await Promise.allSettled(uses)) {
        const expected = { code: 'BROKER_REFUSED', message: expect.stringMatching(says) }
        expect(result).toMatchObject({ status: 'rejected', reason: expected })
        expect(innermostCode((result as PromiseRejectedResult).reason)).toMatch(code)
      }
    },
  )

  it.each(Object.entries(wrong))(
    'ends the start of an app with %s, which can then be closed',
    async (_, [options, says, code = /./]) => {
      const lines = topic('lines', text())
      const word = stateObject('word', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
        lines,
        (line) => line,
        (state) => {
          state.count++
        },
      )
      const app = createApp({ id: nextName('app'), objects: [word], kafka: options(kafka()), logger: silentLogger })
      const failure = await app.start().then(
        () => undefined,
        (error: unknown) => error,
      )
      await app.close()
      expect(MillraceError.is(failure, 'BROKER_REFUSED')).toBe(true)
      expect(failure).toMatchObject({ message: expect.stringMatching(says) })
      expect(innermostCode(failure)).toMatch(code)
    },
  )

  it.each(Object.entries(unusable))('refuses %s at the start, naming the option', async (_, [ssl, says]) => {
    const options = { brokers: [kafka().mutual], ssl: ssl(kafka()) ?? true }
    const flows = [topic('lines', text()).to(topic('copies', text()))]
    await using app = createApp({ id: nextName('app'), flows, kafka: options, logger: silentLogger })
    await expect(app.start()).rejects.toMatchObject({ code: 'OPTIONS_INVALID', message: expect.stringMatching(says) })
  })

  it('refuses an address where something else answers', async () => {
    const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await using log = kafkaLog({ brokers: [`127.0.0.1:${port}`] }, { logger: silentLogger })
    await expect(log.admin.list('')).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringContaining('an HTTP server listens there, not Kafka'),
    })
    server.closeAllConnections()
    server.close()
  })

  it('waits for a broker that is away, which connections closed by somebody before it may mean', async () => {
    const front = createTcpServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(front, 'listening')
    const { port } = front.address() as AddressInfo
    const warnings: unknown[] = []
    const logger: Logger = { ...silentLogger, warn: (facts) => void warnings.push(facts) }
    const log = kafkaLog({ brokers: [`127.0.0.1:${port}`], ssl: authority(kafka()) }, { logger })
    const listing = Promise.allSettled([log.admin.list('')])
    await until(() => warnings.length > 0)
    await log[Symbol.asyncDispose]()
    expect(warnings[0]).toMatchObject({ reason: expect.stringMatching(/127\.0\.0\.1:\d+: .*options ssl and sasl/) })
    expect(await listing).toMatchObject([{ status: 'rejected', reason: { code: 'APP_CLOSED' } }])
    front.close()
  })
})
