import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'
import type { Api } from './api.js'
import { fetch } from './fetch.js'
import { metadata } from './metadata.js'
import { offsetCommit, offsetFetch, txnOffsetCommit } from './offsets.js'
import { produce } from './produce.js'

function encoded<Q, A>(api: Api<Q, A>, request: Q, version: number): string {
  const writer = new Writer(version >= api.flexibleFrom)
  api.encode(writer, request, version)
  return writer.finish().toString('hex')
}

function decoded<Q, A>(api: Api<Q, A>, version: number, write: (writer: Writer) => void): A {
  const flexible = version >= api.flexibleFrom
  const writer = new Writer(flexible)
  write(writer)
  return api.decode(new Reader(writer.finish(), flexible), version)
}

const generation = { group: 'g', generationId: 3, memberId: 'm' }

describe('requests', () => {
  it('to produce carry several partitions of a topic under one name', () => {
    const batches = [0, 1].map((partition) => ({ topic: 't', partition, bytes: Buffer.from([0xab]) }))
    const parts = ['0274', 'ffff', '00000064', '02', '0274', '03', '0000000002ab00', '0000000102ab00', '00', '00']
    expect(encoded(produce, { transactionalId: 't', timeoutMs: 100, batches }, 9)).toBe(parts.join(''))
  })

  it('for offsets in a transaction carry generation, member and instance', () => {
    const request = {
      transactionalId: 'x',
      producerId: 5n,
      producerEpoch: 1,
      generation: { ...generation, instanceId: 'i' },
      positions: [{ topic: 't', partition: 2, offset: 7 }],
    }
    const parts = ['0278', '0267', '0000000000000005', '0001', '00000003', '026d', '0269']
    const offsets = ['02', '0274', '02', '00000002', '0000000000000007', 'ffffffff', '01', '00', '00', '00']
    expect(encoded(txnOffsetCommit, request, 3)).toBe([...parts, ...offsets].join(''))
  })

  it.each([
    { ...generation, generationId: -1 },
    { ...generation, memberId: '' },
  ])('for offsets are not built without a generation and a member: nothing would fence them', (unreal) => {
    const offsets = { generation: unreal, positions: [] }
    const transaction = { transactionalId: 'x', producerId: 5n, producerEpoch: 1 }
    expect(() => encoded(txnOffsetCommit, { ...transaction, ...offsets }, 3)).toThrow('would not be fenced')
    expect(() => encoded(offsetCommit, offsets, 8)).toThrow('would not be fenced')
  })

  it('for committed offsets ask for stable ones', () => {
    expect(encoded(offsetFetch, { group: 'g', partitions: [], requireStable: true }, 7)).toBe(
      '0267' + '01' + '01' + '00',
    )
  })

  it('to fetch go by ids where all are known, and by names elsewhere', () => {
    const id = '00112233445566778899aabbccddeeff'
    const one = { topic: 't', topicId: id, partition: 1, offset: 7, maxBytes: 5 }
    const request = { isolation: 'committed', maxWaitMs: 1, maxBytes: 9, partitions: [one] } as const
    expect(fetch.highestFor?.(request)).toBe(13)
    expect(fetch.highestFor?.({ ...request, partitions: [one, { ...one, topicId: undefined }] })).toBe(12)
    const head = ['ffffffff', '00000001', '00000001', '00000009', '01', '00000000', 'ffffffff', '02']
    const partition = [
      '02',
      '00000001',
      'ffffffff',
      '0000000000000007',
      'ffffffff',
      'ffffffffffffffff',
      '00000005',
      '00',
    ]
    const tail = ['00', '01', '01', '00']
    expect(encoded(fetch, request, 13)).toBe([...head, id, ...partition, ...tail].join(''))
    expect(encoded(fetch, request, 12)).toBe([...head, '0274', ...partition, ...tail].join(''))
  })

  it('for metadata never create topics, in any version', () => {
    expect(encoded(metadata, { topics: null }, 9)).toBe('00' + '00' + '00' + '00' + '00')
    expect(encoded(metadata, { topics: [] }, 12)).toBe('01' + '00' + '00' + '00')
  })
})

describe('responses', () => {
  it.each([11, 12, 13])('to fetch (version %i) give bytes as they came and the aborted transactions', (version) => {
    const id = '00112233445566778899aabbccddeeff'
    const answer = decoded(fetch, version, (writer) => {
      writer.int32(0).int16(0).int32(0)
      writer.array(['t'], (topic) => {
        if (version >= 13) writer.uuid(id)
        else writer.string(topic)
        writer.array([4], (partition) => {
          writer.int32(partition).int16(0).int64(20).int64(10).int64(0)
          writer.array([9], (first) =>
            writer
              .int64(2n ** 60n)
              .int64(first)
              .end(),
          )
          writer.int32(-1).bytes(Buffer.from('batches')).end()
        })
        writer.end()
      })
      writer.end()
    })
    expect(answer.byId).toBe(version >= 13)
    expect(answer.partitions).toEqual([
      {
        topic: version >= 13 ? id : 't',
        partition: 4,
        errorCode: 0,
        highWatermark: 20,
        lastStableOffset: 10,
        aborted: [[2n ** 60n, 9]],
        bytes: Buffer.from('batches'),
      },
    ])
  })

  it('to fetch may have no bytes and no list of aborted transactions', () => {
    const answer = decoded(fetch, 11, (writer) => {
      writer.int32(0).int16(0).int32(0)
      writer.array(['t'], (topic) => {
        writer.string(topic)
        writer.array([0], (partition) => {
          writer.int32(partition).int16(1).int64(-1).int64(-1).int64(-1)
          writer
            .array(null, () => undefined)
            .int32(-1)
            .bytes(null)
        })
      })
    })
    expect(answer.partitions[0]).toMatchObject({ errorCode: 1, aborted: [], bytes: Buffer.alloc(0) })
  })

  it('to produce name the records that are refused', () => {
    const [result] = decoded(produce, 9, (writer) => {
      writer.array(['t'], (topic) => {
        writer.string(topic)
        writer.array([4], (partition) => {
          writer.int32(partition).int16(87).int64(-1).int64(-1).int64(-1)
          writer.array([1, 3], (place) =>
            writer
              .int32(place)
              .string(place === 1 ? 'no key' : null)
              .end(),
          )
          writer.string('two of them').end()
        })
        writer.end()
      })
      writer.int32(0).end()
    })
    expect(result).toMatchObject({
      partition: 4,
      errorCode: 87,
      errorMessage: 'two of them',
      recordErrors: [
        [1, 'no key'],
        [3, null],
      ],
    })
  })

  it('tell how long to hold requests back', () => {
    const reader = new Reader(
      new Writer(false)
        .int32(250)
        .array([], () => undefined)
        .finish(),
      false,
    )
    offsetCommit.decode(reader, 7)
    expect(reader.throttleMs).toBe(250)
  })
})
