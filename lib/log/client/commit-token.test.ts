import { commitToken, readToken, tokenOf } from './commit-token.js'

const at = (topicName: string, partition: unknown, baseOffset: unknown): never =>
  ({ topicName, partition, baseOffset }) as never

describe('a commit token', () => {
  it('says what a producer was answered, of any form', () => {
    const first = [{ topic: 'a', id: undefined, last: [[3, 42, 0]] }]
    expect(readToken(commitToken(at('a', 3, '42')))).toEqual(first)
    expect(readToken(commitToken(at('a', 3, 42)))).toEqual(first)
    expect(readToken(commitToken(at('a', 3, 42n)))).toEqual(first)
    expect(readToken(commitToken({ topic: 'a', partition: 3, offset: 42 }))).toEqual(first)
  })

  it('may be of several partitions and topics, and of several records', () => {
    const token = commitToken([at('a', 0, '1'), at('a', 1, '7'), at('b', 0, '0')], 5)
    expect(readToken(token)).toEqual([
      {
        topic: 'a',
        id: undefined,
        last: [
          [0, 1, 4],
          [1, 7, 4],
        ],
      },
      { topic: 'b', id: undefined, last: [[0, 0, 4]] },
    ])
    expect(readToken(tokenOf([{ topic: 'a', partition: 0, offset: 5 }], new Map([['a', 'id']])))).toEqual([
      { topic: 'a', id: 'id', last: [[0, 5, 0]] },
    ])
    expect(readToken(commitToken([]))).toEqual([])
  })

  it('goes where text goes', () => {
    expect(commitToken(at('ä/ö', 0, 1))).toMatch(/^mr1\.[\w-]+$/)
  })

  it.each<[string, unknown, number?]>([
    ['nothing', undefined],
    ['null', [null]],
    ['no topic', at('', 0, 1)],
    ['no partition', at('a', undefined, 1)],
    ['a negative partition', at('a', -1, 1)],
    ['an offset that is not known (acks: 0)', at('a', 0, '-1')],
    ['no offset', at('a', 0, undefined)],
    ['a fraction', at('a', 0, 1.5)],
    ['NaN', at('a', 0, NaN)],
    ['an offset that is too large', at('a', 0, 2 ** 60)],
    ['no records', at('a', 0, 1), 0],
    ['half a record', at('a', 0, 1), 0.5],
  ])('is not made of %s', (_what, ...[answer, records]) => {
    expect(() => commitToken(answer as never, records)).toThrow(/^commitToken: /)
  })

  it.each(['', 'mr1.', 'mr1.e30', 'mr1.W1swXV0', 'mr2.W10', 'mr1.W1siYSIsW1swLDEsLTFdXV0'])('is not %j', (token) => {
    expect(() => readToken(token)).toThrow(/is no commit token/)
  })
})
