import fc from 'fast-check'
import { answerText, maxAnswerBytes, readAnswer, type Answer } from './answers.js'

it.each<Answer>([
  { kind: 'ok', frame: 0 },
  { kind: 'ok', frame: 12_345 },
  { kind: 'refused', frame: 3, reason: 'value is not JSON' },
  { kind: 'error', frame: 1, reason: '' },
])('is read as it was written: %j', (answer) => {
  expect(readAnswer(Buffer.from(answerText(answer)))).toEqual(answer)
})

it.each([
  '',
  'ok',
  'ok 1 more',
  'ok -1',
  'ok 1.5',
  'ok 1e3',
  'OK 1',
  'ok  1',
  'ok 1234567890123456',
  'yes 1',
  'HTTP/1.1 400',
])('%j is no answer', (text) => {
  expect(readAnswer(Buffer.from(text))).toBeUndefined()
})

it('is one line of bounded length, whatever the reason', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (reason) => {
      const bytes = Buffer.from(answerText({ kind: 'refused', frame: 999_999_999_999_999, reason }))
      expect(bytes.length).toBeLessThanOrEqual(maxAnswerBytes)
      expect(bytes.includes(10) || bytes.includes(13)).toBe(false)
      expect(readAnswer(bytes)).toMatchObject({ kind: 'refused', frame: 999_999_999_999_999 })
    }),
  )
})

it.each(['\u2028', '\u2029', '\u0085', '\0', '\r\n'])('is an answer with a reason that has %j in it', (mark) => {
  const text = answerText({ kind: 'refused', frame: 3, reason: `no ${mark} here` })
  expect(readAnswer(Buffer.from(text))).toMatchObject({ kind: 'refused', frame: 3 })
  expect(readAnswer(Buffer.from(`refused 3 no ${mark} here`))).toMatchObject({ kind: 'refused', frame: 3 })
})
