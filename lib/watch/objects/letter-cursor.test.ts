import { cursorText, positionsIn } from './letter-cursor.js'

describe('where a page of dead letters begins', () => {
  it('comes back as it was told', () => {
    const positions = new Map([
      [0, 17],
      [3, 0],
    ])
    expect(cursorText(positions)).toBe('0:17,3:0')
    expect(positionsIn('0:17,3:0')).toEqual(positions)
    expect(positionsIn(undefined)).toEqual(new Map())
    expect(positionsIn('')).toEqual(new Map())
  })

  it.each([
    '0',
    '0:',
    ':1',
    '0:1,',
    '-1:2',
    '0:1.5',
    '0:1e3',
    'a:b',
    '0:99999999999999999',
    `0:1${',0:1'.repeat(50_000)}`,
    '0:1;1:2',
    ' ',
  ])('is refused where it has no form: %.20s', (text) =>
    expect(() => positionsIn(text)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' })),
  )
})
