import { contractOnKafka } from './contract-on-kafka.js'
import { firstExamplesOnKafka } from './examples/first-examples.js'
import { OwnBroker } from './setup/own-broker.js'
import { describeWithKafka } from './setup/with-kafka.js'

// The other suites run on the version in kafka/pom.xml, between these. Asks for a broker only to be skipped where there is none.
describeWithKafka('other versions of Kafka:', () => {
  describe.each(['3.9.1', '4.4.0'])('%s', (version) => {
    let broker: OwnBroker | undefined
    const addresses = (): readonly string[] => {
      if (broker === undefined) throw new Error(`Kafka ${version} has not been started`)
      return [broker.address]
    }

    // The first time Maven fetches its jars.
    beforeAll(async () => {
      broker = await OwnBroker.start(version)
    }, 300_000)
    afterAll(() => broker?.remove(), 60_000)

    contractOnKafka(`Kafka ${version}`, addresses)
    firstExamplesOnKafka(addresses)
  })
})
