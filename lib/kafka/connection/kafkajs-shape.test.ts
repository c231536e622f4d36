import type * as KafkaJs from 'kafkajs'
import { silentLogger } from '../../core/logger.js'
import type * as KafkaLogModule from '../kafka-log.js'
import { checkBroker } from './kafkajs-shape.js'
import { openWire } from './kafkajs-wire.js'
import { resolveOptions } from './options.js'

const connect = async (): Promise<void> => undefined
const refusal = (message: string): Error => {
  return expect.objectContaining({ code: 'CLIENT_UNSUPPORTED', message: expect.stringContaining(message) })
}
const options = { brokers: ['localhost:9092'] }

/** `kafkaLog` on top of a kafkajs that hands this to partition assigners. */
function kafkaLogWith(change: (cluster: object) => unknown): unknown {
  let result: unknown
  jest.isolateModules(() => {
    jest.doMock('kafkajs', () => {
      const actual = jest.requireActual<typeof KafkaJs>('kafkajs')
      class Changed extends actual.Kafka {
        override consumer({ partitionAssigners = [], ...config }: KafkaJs.ConsumerConfig) {
          const changed = partitionAssigners.map((assigner) => (given: { cluster: object }) => {
            return (assigner as (given: object) => never)({ ...given, cluster: change(given.cluster) })
          })
          return super.consumer({ ...config, partitionAssigners: changed as never })
        }
      }
      return { ...actual, Kafka: Changed }
    })
    const { kafkaLog } = require('../kafka-log.js') as typeof KafkaLogModule
    try {
      result = kafkaLog(options, { logger: silentLogger }).kind
    } catch (error) {
      result = error
    }
  })
  jest.dontMock('kafkajs')
  return result
}

describe('a kafkajs', () => {
  it('that is the one pinned has all that is used', async () => {
    const wire = openWire(resolveOptions(options), silentLogger)
    const broker = await wire.broker({ host: 'localhost', port: 9092 })
    expect(checkBroker(broker)).toBe(broker)
    expect(kafkaLogWith((cluster) => cluster)).toBe('kafka')
  })

  it.each([
    ['connectionPoolBuilder', 'connectionPoolBuilder.build()'],
    ['brokerPool', 'brokerPool.createBroker()'],
  ])('whose cluster has no %s is refused when the log is made', (part, missing) => {
    const refused = kafkaLogWith((cluster) => Object.create(cluster, { [part]: { value: undefined } }))
    expect(refused).toMatchObject({
      code: 'CLIENT_UNSUPPORTED',
      message: `This kafkajs is not version 2.2.4: its cluster has no ${missing}. Install kafkajs@2.2.4.`,
    })
  })

  it('that hands no cluster to assigners is refused when the log is made', () => {
    expect(kafkaLogWith(() => undefined)).toMatchObject({ code: 'CLIENT_UNSUPPORTED' })
  })

  it.each(['isConnected', 'isAuthenticated', 'authenticate', 'processData'])(
    'whose connections have no %s is refused before one is made',
    async (method) => {
      const wire = openWire(resolveOptions(options), silentLogger)
      const broker = await wire.broker({ host: 'localhost', port: 9092 })
      const connection = Object.create(broker.connectionPool.pool[0]!, { [method]: { value: undefined } })
      const lacking = { connect, connectionPool: { pool: [connection] } }
      const missing = `its broker has no connectionPool.pool.0.${method}()`
      expect(() => checkBroker(lacking)).toThrow(refusal(missing))
    },
  )

  it.each(['scheduleCheckPendingRequests', 'scheduleRequestTimeoutCheck', 'destroy'])(
    'whose queues of requests have no %s is refused before a connection is made',
    async (method) => {
      const wire = openWire(resolveOptions(options), silentLogger)
      const [own] = (await wire.broker({ host: 'localhost', port: 9092 })).connectionPool.pool
      const requestQueue = Object.create(own!.requestQueue, { [method]: { value: undefined } })
      const connection = Object.create(own!, { requestQueue: { value: requestQueue } })
      const missing = `its broker has no connectionPool.pool.0.requestQueue.${method}()`
      expect(() => checkBroker({ connect, connectionPool: { pool: [connection] } })).toThrow(refusal(missing))
    },
  )

  it.each([
    ['no connect', 'connect()', { connectionPool: { pool: [] } }],
    ['no pool', 'connectionPool.pool.0.isConnected()', { connect }],
    ['an empty pool', 'connectionPool.pool.0.isConnected()', { connect, connectionPool: { pool: [] } }],
  ])('whose brokers have %s is refused', (_, missing, broker) => {
    expect(() => checkBroker(broker)).toThrow(refusal(`its broker has no ${missing}`))
  })
})
