import { contractOnKafka } from './contract-on-kafka.js'
import { describeWithKafka } from './setup/with-kafka.js'

describeWithKafka('on a real broker', (brokers) => contractOnKafka('Kafka', () => brokers))
