import fc from 'fast-check'
import { MillraceError } from '../../core/errors.js'
import { TransactionState } from './transaction-state.js'

const at = { topic: 't', partition: 0 }
const refused = new MillraceError('MEMBER_UNKNOWN', 'refused')
const stale = new MillraceError('GENERATION_STALE', 'stale')
const fenced = new MillraceError('FENCED', 'fenced')

function begun(group: string | undefined): TransactionState {
  const state = new TransactionState('id')
  state.begin([at], group)
  return state
}

const codeOf = (error: MillraceError | undefined): string => error?.code ?? 'may commit'

describe('a transaction', () => {
  it('may commit only when every append is acknowledged and the last offsets were accepted', () => {
    const step = fc.constantFrom('append', 'acknowledge', 'ask', 'accept', 'refuse', 'too old', 'append fails')
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.boolean(), (steps, withGroup) => {
        const state = begun(withGroup ? 'g' : undefined)
        let unacknowledged = 0
        let offsets = 'none'
        let failed = false
        for (const next of steps) {
          if (next === 'append' && !failed) {
            state.appending(at)
            unacknowledged++
          } else if (next === 'acknowledge' && unacknowledged > 0) {
            state.acknowledged()
            unacknowledged--
          } else if (next === 'ask' && withGroup && !failed) {
            state.askOffsets('g')
            offsets = 'asked'
          } else if (next === 'accept' && offsets === 'asked') {
            state.offsetsAccepted()
            offsets = 'accepted'
          } else if (next === 'refuse' && offsets === 'asked') {
            state.offsetsRefused(refused)
            failed = true
          } else if (next === 'too old' && offsets === 'asked') {
            state.offsetsRefused(stale)
            offsets = 'too old'
          } else if (next === 'append fails' && unacknowledged > 0) {
            state.fail(refused)
            failed = true
          }
        }
        const may = !failed && unacknowledged === 0 && (!withGroup || offsets === 'accepted')
        expect(codeOf(state.refusesCommit())).toBe(may ? 'may commit' : 'COMMIT_ABORTED')
      }),
    )
  })

  it('cannot commit under offsets that were asked for again and not answered', () => {
    const state = begun('g')
    state.askOffsets('g')
    state.offsetsAccepted()
    state.askOffsets('g')
    expect(codeOf(state.refusesCommit())).toBe('COMMIT_ABORTED')
  })

  it('does not become healthy by offsets that are accepted after others were refused', () => {
    const state = begun('g')
    state.askOffsets('g')
    state.offsetsRefused(refused)
    state.offsetsAccepted()
    expect(codeOf(state.refusesCommit())).toBe('COMMIT_ABORTED')
    expect(() => state.appending(at)).toThrow('cannot be committed')
  })

  it('may commit once offsets refused as of an older generation were accepted under a newer one', () => {
    const state = begun('g')
    state.askOffsets('g')
    state.offsetsRefused(stale)
    expect(codeOf(state.refusesCommit())).toBe('COMMIT_ABORTED')
    state.askOffsets('g')
    state.offsetsAccepted()
    expect(codeOf(state.refusesCommit())).toBe('may commit')
  })

  it('refuses offsets of a group and appends to a partition that were not named', () => {
    expect(() => begun('g').askOffsets('other')).toThrow('was not named in begin')
    const state = begun('g')
    expect(() => state.appending({ topic: 't', partition: 1 })).toThrow('was not named in begin')
    expect(codeOf(state.refusesCommit())).toBe('COMMIT_ABORTED')
  })

  it('says FENCED, not aborted, once its id was taken over, also to the next one', () => {
    const state = begun('g')
    state.fail(fenced)
    expect(codeOf(state.refusesCommit())).toBe('FENCED')
    expect(() => state.appending(at)).toThrow(fenced)
    state.over(fenced)
    expect(() => state.begin([at], 'g')).toThrow(fenced)
  })

  it('starts the next one without a memory of the last', () => {
    const state = begun('g')
    state.fail(refused)
    state.ended()
    state.begin([at], undefined)
    expect(codeOf(state.refusesCommit())).toBe('may commit')
  })

  it('has nothing to end when it touches nothing', () => {
    const state = new TransactionState('id')
    state.begin([], undefined)
    expect(state.begun).toBe(false)
  })

  it('must be begun, and once', () => {
    const state = new TransactionState('id')
    expect(() => state.appending(at)).toThrow('without begin')
    expect(codeOf(state.refusesCommit())).toBe('COMMIT_ABORTED')
    state.begin([at], undefined)
    expect(() => state.begin([at], undefined)).toThrow('twice')
  })
})
