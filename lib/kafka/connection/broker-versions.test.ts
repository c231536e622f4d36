import { type BrokerVersion, spokenBy } from '../../../test/broker-versions.js'
import { StubBroker } from '../../../test/stub-broker.js'
import { createApp } from '../../app/create-app.js'
import { text } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import { topic } from '../../model/stream.js'
import { commonVersion, demandNeeded } from './broker-versions.js'

const listTransactions = 66

describe('brokers', () => {
  it.each<BrokerVersion>(['3.0.2', '3.9.1', '4.1.0', '4.4.0'])('of version %s have all that is needed', (version) => {
    expect(() => demandNeeded('a:9092', spokenBy(version))).not.toThrow()
  })

  it.each<[BrokerVersion, RegExp]>([
    ['2.7.2', /Produce 0 to 8 \(needed: 9 to 11\).*AddPartitionsToTxn 0 to 2 \(needed: 3\)/],
    ['2.8.2', /ListTransactions not at all \(needed: 0 to 1\)/],
  ])('of version %s are refused, with what they lack', (version, says) => {
    const demand = (): void => demandNeeded('a:9092', spokenBy(version))
    expect(demand).toThrow(/^Broker a:9092 is older than Apache Kafka 3\.0.*Upgrade the brokers\.$/)
    expect(demand).toThrow(says)
  })

  it('that have given up what is needed are told to be newer', () => {
    const spoken = { ...spokenBy('4.4.0'), 0: { minVersion: 12, maxVersion: 20 } }
    expect(() => demandNeeded('a:9092', spoken)).toThrow(/is newer than.*Produce 12 to 20.*newer version of Millrace/)
  })

  it('speak the highest version that both sides know', () => {
    const api = { key: 0, lowest: 9, highest: 11 }
    const common = (minVersion: number, maxVersion: number, highest?: number): number | undefined =>
      commonVersion({ 0: { minVersion, maxVersion } }, api, highest)
    expect([common(0, 10), common(0, 20), common(0, 8), common(12, 20), common(0, 20, 10)]).toEqual([
      10,
      11,
      undefined,
      undefined,
      10,
    ])
    expect(commonVersion(null, api)).toBeUndefined()
  })
})

describe('an app on brokers that are too old', () => {
  it.each(['exactly-once', 'at-least-once'] as const)(
    'does not start (%s), and has asked them for nothing',
    async (guarantee) => {
      const spoken = spokenBy('3.0.2')
      delete spoken[listTransactions]
      await using broker = await StubBroker.start(spoken, () => undefined)
      const flows = [topic('lines', text()).to(topic('copies', text()))]
      const app = createApp({ id: 'app', flows, kafka: { brokers: [broker.address] }, guarantee, logger: silentLogger })
      await expect(app.start()).rejects.toMatchObject({
        code: 'CLIENT_UNSUPPORTED',
        message: expect.stringMatching(`Broker ${broker.address} is older than Apache Kafka 3.0`),
      })
      expect(broker.asked).toEqual([])
      await app.close()
    },
  )
})
