import { plainText, table } from './table.js'

describe('a table', () => {
  it('has columns one below the other, those of numbers to the right, and a dash for what is not known', () => {
    const rows = [
      ['orders', 7, undefined, 'a'],
      ['payments', 1042, undefined, ''],
    ]
    expect(table(['topic', 'lag', 'host', 'last'], rows).split('\n')).toEqual([
      'topic      lag  host  last',
      'orders       7  -     a',
      'payments  1042  -',
    ])
  })

  it('is its head where there are no rows', () => {
    expect(table(['topic', 'lag'], [])).toBe('topic  lag')
  })
})

describe('text from outside', () => {
  it.each([
    ['\u001b[31mred', '\\u001b[31mred'],
    ['two\nlines\tand\r', 'two\\nlines\\tand\\r'],
    ['right to left \u202e', 'right to left \\u202e'],
    ['half \ud800', 'half \ufffd'],
    ['größe ✓ 注文', 'größe ✓ 注文'],
  ])('steers no terminal: %j', (text, plain) => {
    expect(plainText(text)).toBe(plain)
  })
})
