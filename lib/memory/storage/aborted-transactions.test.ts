import { AbortedTransactions } from './aborted-transactions.js'

describe('the aborted transactions of a partition', () => {
  const aborted = new AbortedTransactions()
  aborted.add({ producerId: 1n, first: 10, last: 15 })
  aborted.add({ producerId: 2n, first: 5, last: 20 })
  aborted.add({ producerId: 1n, first: 30, last: 35 })

  it.each([
    { from: 0, to: 5, first: [] },
    { from: 0, to: 6, first: [5] },
    { from: 0, to: 100, first: [10, 5, 30] },
    { from: 15, to: 21, first: [10, 5] },
    { from: 16, to: 31, first: [5, 30] },
    { from: 21, to: 30, first: [] },
    { from: 36, to: 100, first: [] },
  ])('that overlap offsets $from to $to begin at $first', ({ from, to, first }) => {
    expect(aborted.within(from, to).map(([, offset]) => offset)).toEqual(first)
  })

  it('are forgotten once they lie below the start with their marker', () => {
    const list = new AbortedTransactions()
    list.add({ producerId: 1n, first: 0, last: 4 })
    list.add({ producerId: 1n, first: 5, last: 9 })
    list.forgetBelow(5)
    expect(list.within(0, 100)).toEqual([[1n, 5]])
  })
})
