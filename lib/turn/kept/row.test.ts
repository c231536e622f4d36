import { streamsOf } from './row.js'

describe('the times in the row of a task', () => {
  const origins = [['clicks', 'clicks', 0, 9]] as const

  it.each([
    ['nothing', {}, []],
    ['what it says', { streams: [{ kind: 'a', at: 7, origins }] }, [{ kind: 'a', at: 7, origins }]],
    [
      'one time for all kinds, of an earlier version',
      { streamTime: 7, origins },
      ['a', 'b'].map((kind) => ({ kind, at: 7, origins })),
    ],
    ['one that has not begun', { origins }, ['a', 'b'].map((kind) => ({ kind, origins }))],
  ])('are %s', (_what, row, expected) => {
    expect(streamsOf(row, ['a', 'b'])).toEqual(expected)
  })
})
