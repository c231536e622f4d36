/**
 * What the receiving side says, each in a frame of its own, as text. Frames are counted from 1 on in each connection.
 * `ok 4`: the frames up to the fourth are dealt with for good. `refused 3 <why>`: the third is so, as one that cannot be read; an
 * `ok` follows. `error 5 <why>`: the fifth can never be taken, and the connection ends.
 */
export type Answer =
  | { readonly kind: 'ok'; readonly frame: number }
  | { readonly kind: 'refused' | 'error'; readonly frame: number; readonly reason: string }

const longestReason = 200

/** The largest answer there is. */
export const maxAnswerBytes = 1_024

export function answerText(answer: Answer): string {
  if (answer.kind === 'ok') return `ok ${answer.frame}`
  const reason = answer.reason
    .slice(0, longestReason)
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
  return `${answer.kind} ${answer.frame} ${reason}`.trim()
}

/** Undefined for what is no answer. */
export function readAnswer(frame: Buffer): Answer | undefined {
  const match = /^(ok|refused|error) (\d{1,15})(?: (.*))?$/s.exec(frame.toString())
  if (match === null) return undefined
  const [, kind, number, reason = ''] = match
  if (kind === 'ok') return reason === '' ? { kind, frame: Number(number) } : undefined
  return { kind: kind as 'refused' | 'error', frame: Number(number), reason }
}
