import { spokenBy } from '../../../test/broker-versions.js'
import { StubBroker, type StubAnswer } from '../../../test/stub-broker.js'
import { systemClock } from '../../core/clock.js'
import { silentLogger } from '../../core/logger.js'
import { kafkaLog } from '../kafka-log.js'
import { listOffsets } from '../protocol/list-offsets.js'
import { metadata } from '../protocol/metadata.js'
import { createTopics } from '../protocol/topics.js'
import { Writer } from '../wire/writer.js'

const name = 'app-counter-changelog'
const topics = [{ name, partitions: 1, replicationFactor: -1, configs: {} }]
const codes = { none: 0, unknownTopic: 3, exists: 36 }
const node = 1

/** As brokers with ZooKeeper answer while a topic is deleted, which takes until it has been tried to make it so many times. */
function deleting(tries: number): StubAnswer {
  let made = 0
  return ({ apiKey, version }, port) => {
    const isThere = made > tries
    if (apiKey === metadata.key) return metadataOf(version, port, isThere)
    if (apiKey === createTopics.key) return createdWith(++made > tries ? codes.none : codes.exists)
    if (apiKey === listOffsets.key) return endOf()
    return undefined
  }
}

function metadataOf(version: number, port: number, isThere: boolean): Writer {
  const writer = new Writer(true).int32(0)
  writer.array([node], (id) => writer.int32(id).string('127.0.0.1').int32(port).string(null).end())
  writer.string('stub').int32(node)
  writer.array([name], (topic) => {
    writer.int16(isThere ? codes.none : codes.unknownTopic).string(topic)
    if (version >= 10) writer.uuid('00112233445566778899aabbccddeeff')
    writer.boolean(false)
    writer.array(isThere ? [0] : [], (partition) => {
      writer.int16(0).int32(partition).int32(node).int32(0)
      for (let list = 0; list < 3; list++) writer.array([node], (replica) => writer.int32(replica))
      writer.end()
    })
    writer.int32(0).end()
  })
  if (version <= 10) writer.int32(0)
  return writer.end()
}

function createdWith(code: number): Writer {
  const writer = new Writer(true).int32(0)
  writer.array([name], (topic) => {
    writer.string(topic).uuid('00112233445566778899aabbccddeeff').int16(code).string(null)
    writer.int32(1).int16(1)
    writer.array([], () => undefined)
    writer.end()
  })
  return writer.end()
}

function endOf(): Writer {
  const writer = new Writer(true).int32(0)
  writer.array([name], (topic) => {
    writer.string(topic)
    writer.array([0], (partition) => writer.int32(partition).int16(0).int64(-1).int64(0).int32(0).end())
    writer.end()
  })
  return writer.end()
}

/** A hundred times as fast as ours. */
const hasty = { ...systemClock, elapsed: () => 100 * systemClock.elapsed() }

describe('making a topic that is being deleted', () => {
  it('waits for half a minute, and then says what to do', async () => {
    await using broker = await StubBroker.start(spokenBy('3.0.2'), deleting(Infinity))
    await using log = kafkaLog({ brokers: [broker.address] }, { clock: hasty, logger: silentLogger })
    const began = hasty.elapsed()
    await expect(log.admin.create(topics)).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      topic: name,
      message: expect.stringMatching(/say that it exists.*being deleted and that does not end.*start again/),
    })
    expect(hasty.elapsed() - began).toBeGreaterThan(30_000)
  })

  it('makes it once the deletion is over', async () => {
    await using broker = await StubBroker.start(spokenBy('3.0.2'), deleting(3))
    await using log = kafkaLog({ brokers: [broker.address] }, { logger: silentLogger })
    await log.admin.create(topics)
    expect(broker.asked.filter((key) => key === createTopics.key)).toHaveLength(4)
  })
})
