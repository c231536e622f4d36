import { bytes, milliseconds, moment, rate, short, span, visible, visibleKey } from '../../page/format.js'

describe('what the monitor page writes', () => {
  it.each([
    [0, '0'],
    [7.25, '7.3'],
    [940, '940'],
    [1_234, '1\u2009234'],
    [12_345, '12.3 k'],
    [999_499, '999 k'],
    [999_500, '1 M'],
    [1_250_000, '1.3 M'],
    [2e9, '2 G'],
    [NaN, '–'],
    [Infinity, '–'],
  ])('says %p as %s', (n, text) => expect(short(n)).toBe(text))

  it('says times, sizes and rates in units people read', () => {
    expect([
      milliseconds(0.004),
      milliseconds(0.4),
      milliseconds(12.34),
      milliseconds(1_500),
      milliseconds(undefined),
    ]).toEqual(['4 µs', '400 µs', '12.3 ms', '2 s', '–'])
    expect([span(59_000), span(61_000), span(3_700_000), span(200 * 3_600_000)]).toEqual([
      '59 s',
      '1 min 1 s',
      '1 h 1 min',
      '8 d 8 h',
    ])
    expect([bytes(12), bytes(20_480), bytes(3_145_728)]).toEqual(['12 B', '20 KiB', '3 MiB'])
    expect([rate(undefined), rate(12)]).toEqual(['–', '12/s'])
    // The last moments that dates have are none in some time zones.
    expect([NaN, 1e20, 8.64e15, -8.64e15].map(moment)).toEqual(['–', '–', '–', '–'])
  })

  it('makes seen what hides, turns the line around, or is half a character', () => {
    expect(visible('\u202egnp.exe')).toBe('\\u202egnp.exe')
    expect(visible('a\u0000\u200bb\u2028c\ufeff')).toBe('a\\u0000\\u200bb\\u2028c\\ufeff')
    expect(visible('\ud800x\udc00 😀')).toBe('\\ud800x\\udc00 😀')
    expect(visible('<script>é</script>')).toBe('<script>é</script>')
  })

  it('cuts what is long, and keeps a key in one line', () => {
    expect(visible('x'.repeat(500), 10)).toBe(`${'x'.repeat(10)}…`)
    expect(visibleKey('a\tb\nc')).toBe('a\\tb\\nc')
    expect(visibleKey('')).toBe('(empty)')
    // A character is not cut in two.
    expect(visibleKey('😀😀', 3)).toBe('😀\\ud83d…')
  })
})
