import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { kafkaLog } from '../lib/kafka/kafka-log.js'
import { SizeWorld, ways } from '../test/inputs/size-world.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

const handedOn = ['hop', 'refused', 'retry', 'replay'] as const

describeWithKafka('sizes on Kafka', (brokers) => {
  const folders: string[] = []
  const worldIn = (): SizeWorld => {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-sizes-'))
    folders.push(dataDir)
    return new SizeWorld(nextName('sizes'), kafkaLog({ brokers }), { dataDir })
  }
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })

  /** As an operator does. */
  async function configure(topic: string, configs: Readonly<Record<string, string>>): Promise<void> {
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
    })
    await admin.disconnect()
  }

  it.each(ways.filter((way) => way !== 'send'))(
    'two values that would make a batch too large arrive by way of %s',
    async (way) => {
      await using world = worldIn()
      await world.start()
      await world.carry(way, [600_000, 600_000])
      expect(await world.arrived(way)).toEqual([0, 1])
    },
  )

  it.each(['emit', 'state', 'refused', 'replay'] as const)(
    'many values arrive by way of %s in a topic that takes small batches only',
    async (way) => {
      await using world = worldIn()
      await world.limit(way, 100_000)
      await world.start()
      await world.carry(
        way,
        Array.from({ length: 400 }, () => 1_000),
      )
      expect((await world.arrived(way)).length).toBe(400)
    },
  )

  it.each(['emit', 'flow'] as const)('a value by way of %s goes by the limit as it is now', async (way) => {
    await using world = worldIn()
    await world.start()
    await configure(world.topicOf(way), { 'max.message.bytes': '50000' })
    await world.carry(way, [20_000, 80_000, 20_000, 20_000])
    expect(await world.arrived(way)).toEqual([0, 2, 3])
    expect(await world.letters()).toEqual(['RECORD_TOO_LARGE'])
  })

  it.each(handedOn)('values of 3 MB that their source has packed arrive by way of %s', async (way) => {
    await using world = worldIn()
    await world.start(1_048_588)
    await world.carryPacked(way, [3_000_000, 3_000_000])
    expect(await world.arrived(way)).toEqual([0, 1])
  })

  it.each(['hop', 'replay'] as const)('the largest value that a source takes arrives by way of %s', async (way) => {
    await using world = worldIn()
    await world.start(12_000_000)
    await world.carry(way, [11_999_800])
    expect(await world.arrived(way)).toEqual([0])
  })
})
