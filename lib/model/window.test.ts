import { hopping, session, tumbling } from './window.js'

const merge = (a: unknown): never => a as never

describe('windows', () => {
  it.each<readonly [string, () => unknown, RegExp]>([
    ['of nothing', () => tumbling(0), /size must be more than 0/],
    ['of a part of a millisecond', () => tumbling('0.5ms'), /0\.5ms/],
    ['with a grace of a part of a millisecond', () => tumbling('1s', { grace: 0.5 }), /grace/],
    ['of two thousand years', () => tumbling('730500d'), /no more than a thousand years/],
    ['with a grace of two thousand years', () => tumbling('1d', { grace: '730500d' }), /no more than a thousand years/],
    ['with a gap of two thousand years', () => session('730500d', { merge }), /no more than a thousand years/],
    ['that are no multiple', () => hopping('1m', { every: '7s' }), /must be a multiple/],
    ['that begin seldom', () => hopping('1m', { every: '2m' }), /must be a multiple/],
    ['that begin too often', () => hopping('1d', { every: '500ms' }), /in 172800 windows.*at most 100000/],
    ['in an unknown zone', () => tumbling('1d', { zone: 'Mars/Olympus' }), /Mars\/Olympus.*the name of a time zone/],
    ['in no zone', () => tumbling('1d', { zone: '' }), /the name of a time zone/],
    ['in a zone that is a number', () => tumbling('1d', { zone: 2 as never }), /the name of a time zone/],
    ['of hours in a zone', () => tumbling('6h', { zone: 'Europe/Berlin' }), /must be whole days/],
    ['of a day and a half in a zone', () => tumbling('36h', { zone: 'Europe/Berlin' }), /must be whole days/],
    [
      'that overlap in a zone',
      () => hopping('2d', { every: '1d', zone: 'Europe/Berlin' } as never),
      /hopping: only tumbling windows of whole days/,
    ],
    [
      'of sessions in a zone',
      () => session('1d', { merge, zone: 'Europe/Berlin' } as never),
      /session: only tumbling windows of whole days/,
    ],
  ])('%s are refused when they are defined', (_what, define, message) => {
    expect(define).toThrow(message)
    expect(define).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/DEFINITION_INVALID|OPTIONS_INVALID/) }),
    )
  })

  it.each<readonly [string, () => unknown]>([
    ['86,400 for each record', () => hopping('1d', { every: '1s' })],
    ['a thousand years', () => tumbling('365250d', { grace: '365250d' })],
    [
      'days in zones',
      () => ['UTC', 'europe/berlin', 'America/Argentina/Ushuaia'].map((zone) => tumbling('1d', { zone })),
    ],
    ['seven days in a zone', () => tumbling('168h', { zone: 'Asia/Tokyo', grace: '1h', late: 'skip' })],
  ])('may be %s', (_what, define) => {
    expect(define).not.toThrow()
  })
})
