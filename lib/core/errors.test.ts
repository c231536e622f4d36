import { inspect } from 'node:util'
import { MillraceError } from './errors.js'

describe('an error as Node prints it', () => {
  it('has the facts that are known, and no line for those that are not', () => {
    expect(inspect(new MillraceError('OPTIONS_INVALID', 'no'))).not.toContain('undefined')
    const known = new MillraceError('STEP_FAILED', 'no', { topic: 'a', partition: 0, offset: 0, key: '' })
    const printed = inspect(known)
    expect(printed).toMatch(/code: 'STEP_FAILED',\n\s+topic: 'a',\n\s+partition: 0,\n\s+offset: 0,\n\s+key: ''/)
    expect(printed).not.toContain('undefined')
    expect([known.kind, known.records, known.brokerCode]).toEqual([undefined, undefined, undefined])
  })
})
