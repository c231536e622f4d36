import { streamsOf, type Row } from './row.js'

const inboxes = new Map([
  ['a', 'app-a-inbox'],
  ['b', 'app-b-inbox'],
])
const streams = [{ kind: 'a', at: 7, waits: 9, origins: [['clicks', [9, [3], [], null]]] }] as const

describe('the times in the row of a task', () => {
  it.each<readonly [string, Row, unknown]>([
    ['nothing', {}, []],
    ['what it says', { streams }, streams],
    [
      'one for all kinds, of an earlier version',
      {
        streamTime: 7,
        origins: [
          ['clicks', 'clicks', 1, 9],
          ['app-b-inbox', 'clicks', 0, 8],
        ],
      },
      [
        { kind: 'a', at: 7, origins: [['clicks', [null, 9]]] },
        { kind: 'b', at: 7, origins: [['clicks', [8, 9]]] },
      ],
    ],
    ['none that has begun', { origins: [] }, ['a', 'b'].map((kind) => ({ kind, origins: [] }))],
  ])('are %s', (_what, row, expected) => {
    expect(streamsOf(row, inboxes)).toEqual(expected)
  })
})
