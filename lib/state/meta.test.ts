import { readMeta, whyRestore, type ChangelogFacts, type StoreMeta } from './meta.js'

const day = 86_400_000
const meta: StoreMeta = {
  format: 1,
  changelogs: { log: { offset: 50, topicId: 'a' } },
  positions: {},
  bootId: 'boot-1',
  clean: false,
  appliedAt: 1_000,
}
const facts: ChangelogFacts = { topicId: 'a', start: 10, end: 100, tombstoneRetentionMs: day }
const why = (
  known: Partial<StoreMeta>,
  found: Partial<ChangelogFacts> = {},
  now = 2_000,
  bootId = 'boot-1',
): string | undefined => whyRestore({ ...meta, ...known }, new Map([['log', { ...facts, ...found }]]), { now, bootId })

describe('whyRestore', () => {
  it('lets a store roll forward after a plain crash', () => {
    expect(why({})).toBeUndefined()
  })

  it.each([
    [
      'it has no meta record',
      () => whyRestore(undefined, new Map(), { now: 0, bootId: undefined }),
      /no readable meta/,
    ],
    ['the system was restarted without a clean close', () => why({}, {}, 2_000, 'boot-2'), /system was restarted/],
    ['the changelog is another topic', () => why({}, { topicId: 'b' }), /made anew/],
    ['the changelog was truncated', () => why({}, { start: 60 }), /begins at 60/],
    ['the changelog lost its end', () => why({}, { end: 40 }), /ends at 40/],
    [
      'a kind was added',
      () => whyRestore(meta, new Map([['other', facts]]), { now: 2_000, bootId: 'boot-1' }),
      /knows nothing of other/,
    ],
    ['tombstones may have been compacted away', () => why({}, {}, 1_000 + day), /delete.retention.ms/],
  ])('restores from the beginning when %s', (_when, reason, expected) => {
    expect(reason()).toMatch(expected)
  })

  it('keeps a cleanly closed store over a restart of the system', () => {
    expect(why({ clean: true }, {}, 2_000, 'boot-2')).toBeUndefined()
  })

  it.each([
    ['nothing was written since', 50, true, 'kept'],
    ['only the marker of its last commit was written since', 51, true, 'kept'],
    ['a record and its marker were written since', 52, true, 'it is older'],
    ['nothing was written since, without transactions', 50, false, 'kept'],
    ['a record was written since, without transactions', 51, false, 'it is older'],
  ])('judges a store that has stood still for long by its changelog: %s', (_what, end, transactional, expected) => {
    expect((why({}, { end, transactional }, 1_000 + 30 * day) ?? 'kept').slice(0, 11)).toBe(expected)
  })

  it('keeps a margin below the retention of tombstones', () => {
    expect(why({}, {}, 1_000 + day * 0.89)).toBeUndefined()
    expect(why({}, {}, 1_000 + day * 0.91)).toMatch(/older/)
  })
})

describe('readMeta', () => {
  it.each([undefined, '', '{', '{"format":2}', 'null'])('gives nothing for %s', (stored) => {
    expect(readMeta(stored)).toBeUndefined()
  })

  it('reads what was written', () => {
    expect(readMeta(JSON.stringify(meta))).toEqual(meta)
  })
})
