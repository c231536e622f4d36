import { type KafkaOptions, resolveOptions } from './options.js'

const refused = (options: unknown): string => {
  try {
    resolveOptions(options as KafkaOptions)
  } catch (error) {
    return String((error as Error).message)
  }
  return 'accepted'
}

describe('the options of a Kafka log', () => {
  it('fill in what is left out', () => {
    expect(resolveOptions({ brokers: ['kafka.example:9092', '[::1]:9093'] })).toMatchObject({
      brokers: [
        { host: 'kafka.example', port: 9092 },
        { host: '::1', port: 9093 },
      ],
      clientId: 'millrace',
      connectionTimeout: 3_000,
      requestTimeout: 5_000,
      checkCrcs: true,
    })
  })

  it('pass TLS on as it is, and a copy of SASL, on which kafkajs leaves its authenticator', () => {
    const options = {
      brokers: ['kafka.example:9092'],
      ssl: { ca: ['certificate'], servername: 'kafka.example' },
      sasl: { mechanism: 'scram-sha-512', username: 'me', password: 'secret' },
    } as const
    const resolved = resolveOptions({ ...options, ssl: { ...options.ssl, ca: [...options.ssl.ca] } })
    expect(resolved.ssl).toEqual(options.ssl)
    expect(resolved.sasl).toEqual(options.sasl)
    expect(resolved.sasl).not.toBe(options.sasl)
  })

  it.each([
    ['no brokers', {}, 'kafkaLog: brokers is missing'],
    ['an empty list', { brokers: [] }, 'host:port, one at least'],
    [
      'an address without a port',
      { brokers: ['kafka.example'] },
      'brokers is a list of "kafka.example"; give a list of addresses, host:port',
    ],
    ['a URL', { brokers: ['kafka://kafka.example:9092'] }, 'host:port'],
    ['an unknown option', { brokers: ['a:1'], retries: 3 }, 'retries'],
    ['a negative time-out', { brokers: ['a:1'], requestTimeout: -1 }, 'kafkaLog: requestTimeout is a number (-1)'],
    [
      'SASL without a mechanism',
      { brokers: ['a:1'], sasl: { username: 'me' } },
      'sasl is an object; give an object with a mechanism',
    ],
  ])('are refused with %s', (_what, options, message) => {
    expect(refused(options)).toContain(message)
  })

  it('are refused with OPTIONS_INVALID', () => {
    expect(() => resolveOptions({ brokers: [] })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }))
  })
})
