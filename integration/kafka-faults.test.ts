import { silentLogger } from '../lib/core/logger.js'
import type { TopicPartition } from '../lib/core/record.js'
import { type KafkaLog, kafkaLog } from '../lib/kafka/kafka-log.js'
import { GroupMember } from '../lib/testing/log-contract/group-member.js'
import {
  batchOf,
  positionOf,
  settled,
  soon,
  transactionsOf,
  until,
  valuesOf,
} from '../lib/testing/log-contract/rows.js'
import { nextName } from './names.js'
import { type Fault, type Network, openNetwork } from './network/network.js'
import { describeWithKafka } from './setup/with-kafka.js'

const apis = ['Produce', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'EndTxn', 'TxnOffsetCommit'] as const

describeWithKafka('a Kafka log behind a network that loses things', (brokers) => {
  jest.setTimeout(60_000)
  let network: Network
  let direct: KafkaLog
  let log: KafkaLog

  beforeEach(async () => {
    network = await openNetwork(brokers)
    direct = kafkaLog({ brokers }, { logger: silentLogger })
    log = kafkaLog({ brokers: network.addresses, requestTimeout: 700 }, { logger: silentLogger })
  })
  afterEach(async () => {
    await log[Symbol.asyncDispose]()
    await direct[Symbol.asyncDispose]()
    await network.close()
  })

  const newPartitions = async (count: number): Promise<TopicPartition[]> => {
    const topic = nextName('faults')
    await direct.admin.create([{ name: topic, partitions: count, replicationFactor: -1, configs: {} }])
    return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
  }
  const cases = apis.flatMap((api) => {
    const ways = ['request', 'answer'] as const
    return ways.map((way) => [api, way, 'close' as Fault] as const)
  })
  it.each([...cases, ['EndTxn', 'answer', 'swallow'], ['Produce', 'answer', 'swallow']] as const)(
    'commits everything exactly once when a %s %s is lost (%s)',
    async (api, way, fault) => {
      const partitions = await newPartitions(2)
      await using member = await GroupMember.join(direct, {
        group: nextName('group'),
        topic: partitions[0]!.topic,
        partitions: 2,
      })
      const channel = await transactionsOf(log, nextName('id'))
      const every = fault === 'close' ? 3 : api === 'EndTxn' ? 8 : 20
      const losses = network.lose({ api, way, fault, every })
      const cycles = 20
      for (let cycle = 0; cycle < cycles; cycle++) {
        await channel.begin(partitions, member.group)
        const appended = partitions.flatMap((at) =>
          ['a', 'b', 'c'].map((x) => channel.append(at, batchOf([`${cycle}${x}`]))),
        )
        await Promise.all([...appended, channel.offsets(member.generation, positionOf(partitions[0]!, cycle + 1))])
        await channel.commit()
      }
      expect(losses.count).toBeGreaterThan(1)
      const expected = Array.from({ length: cycles }, (_, cycle) => ['a', 'b', 'c'].map((x) => `${cycle}${x}`)).flat()
      for (const at of partitions) {
        await settled(direct, at)
        expect(await valuesOf(direct, at)).toEqual(expected)
        expect(await valuesOf(direct, at, 'all')).toEqual(expected)
      }
      expect(await direct.admin.stableCommitted(member.group, [partitions[0]!])).toEqual(
        positionOf(partitions[0]!, cycles),
      )
    },
  )

  // Brokers verify one request of a transaction at a time (KIP-890), and send the other back, to be asked again later.
  it('asks for the appends and for the offsets of a commit once, where nothing is lost', async () => {
    const partitions = await newPartitions(3)
    const [first] = partitions as [TopicPartition, ...TopicPartition[]]
    await using member = await GroupMember.join(direct, { group: nextName('group'), topic: first.topic, partitions: 3 })
    await using channel = await transactionsOf(log, nextName('id'))
    const commit = async (value: number): Promise<void> => {
      await channel.begin(partitions, member.group)
      const appended = partitions.map((at) => channel.append(at, batchOf([`${value}`])))
      await Promise.all([...appended, channel.offsets(member.generation, positionOf(first, value + 1))])
      await channel.commit()
    }
    // Of a topic that is new a broker may not know yet that it leads it.
    await commit(0)
    const before = [network.asked('Produce'), network.asked('TxnOffsetCommit')]
    const commits = 30
    for (let value = 1; value <= commits; value++) await commit(value)
    expect([network.asked('Produce'), network.asked('TxnOffsetCommit')]).toEqual(before.map((n) => n + commits))
  })

  it('appends exactly once without transactions when produce responses are lost', async () => {
    const [at] = await newPartitions(1)
    await using channel = await log.idempotent()
    const losses = network.lose({ api: 'Produce', way: 'answer', every: 4 })
    await channel.begin([at!], undefined)
    const values = Array.from({ length: 60 }, (_, i) => `${i}`)
    const answers = await Promise.all(values.map((value) => channel.append(at!, batchOf([value]))))
    await channel.commit()
    expect(losses.count).toBeGreaterThan(1)
    expect(answers.map(({ baseOffset }) => baseOffset)).toEqual(values.map((_, i) => i))
    expect(await valuesOf(direct, at!)).toEqual(values)
  })

  it('says that the outcome is not known when a lost commit is answered by having been fenced', async () => {
    const [at] = await newPartitions(1)
    const id = nextName('id')
    const channel = await transactionsOf(log, id)
    await channel.begin([at!], undefined)
    await channel.append(at!, batchOf(['perhaps']))
    const losses = network.lose({ api: 'EndTxn', way: 'answer', fault: 'swallow' })
    const committing = Promise.allSettled([channel.commit()])
    await until(() => losses.count > 0)
    await using successor = await transactionsOf(direct, id)
    expect(successor.id).toBe(id)
    network.heal()
    expect(await committing).toMatchObject([{ status: 'rejected', reason: { code: 'OUTCOME_UNKNOWN' } }])
    await settled(direct, at!)
    expect(await valuesOf(direct, at!)).toEqual(['perhaps'])
  })

  it('goes on with the id after a batch that was too large', async () => {
    const [at] = await newPartitions(1)
    const channel = await transactionsOf(log, nextName('id'))
    await channel.begin([at!], undefined)
    const small = channel.append(at!, batchOf(['dropped with it']))
    const large = channel.append(at!, batchOf(['x'.repeat(1_100_000)]))
    await expect(large).rejects.toMatchObject({ code: 'RECORDS_REFUSED', brokerCode: 10, ...at })
    await small
    await expect(channel.commit()).rejects.toMatchObject({ code: 'COMMIT_ABORTED' })
    for (const value of ['next', 'last']) {
      await channel.begin([at!], undefined)
      await channel.append(at!, batchOf([value]))
      await channel.commit()
    }
    await settled(direct, at!)
    expect(await valuesOf(direct, at!)).toEqual(['next', 'last'])
  })

  it('reads on where it was, and stays in its group, when all connections break', async () => {
    const partitions = await newPartitions(2)
    const [at] = partitions
    await using member = await GroupMember.join(log, { group: nextName('group'), topic: at!.topic, partitions: 2 })
    await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes: 1_000 })
    fetcher.assign(positionOf(at!, 0))
    await using channel = await direct.idempotent()
    await channel.begin([at!], undefined)
    for (let i = 0; i < 5; i++) {
      await channel.append(at!, batchOf([`${i}`]))
      const [fetched] = await fetcher.next(soon())
      expect(fetched).toMatchObject({ from: i, to: i + 1 })
      network.dropConnections()
    }
    await channel.commit()
    await log.admin.endOffsets([at!], 'all')
    expect(member.events).toEqual([`assign ${member.generation.generationId}`])
  })

  it('can be closed while no broker answers, and what was waiting for one is told so', async () => {
    const [at] = await newPartitions(1)
    const away = kafkaLog({ brokers: network.addresses }, { logger: silentLogger })
    const channel = await away.idempotent()
    await channel.begin([at!], undefined)
    const member = await GroupMember.join(away, { group: nextName('group'), topic: at!.topic, partitions: 1 })
    const transactions = await transactionsOf(away, nextName('id'))
    await transactions.begin([at!], undefined)
    network.refuse()
    const waiting = [
      away.admin.describe([at!.topic]),
      channel.append(at!, batchOf(['never'])),
      transactions.commit(),
      transactionsOf(away, nextName('id')),
    ]
    const closing = away[Symbol.asyncDispose]()
    for (const result of await Promise.allSettled(waiting)) expect(result).toMatchObject({ status: 'rejected' })
    await closing
    await away[Symbol.asyncDispose]()
    await member.membership.leave()
    await expect(away.idempotent()).rejects.toMatchObject({ code: 'APP_CLOSED' })
    await expect(away.admin.list('')).rejects.toMatchObject({ code: 'APP_CLOSED' })
  })
})
