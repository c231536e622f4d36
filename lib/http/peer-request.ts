import { createHmac } from 'node:crypto'
import { errorCodes, type ErrorCode } from '../core/errors.js'

/** Who is meant: at an address there may be somebody else. */
export const instanceHeader = 'millrace-instance'

/** Names are any text. */
export const instanceText = (instance: string): string =>
  encodeURIComponent(instance.slice(0, longestName).toWellFormed())
const longestName = 500

/**
 * What an instance sends another in the place of the token: made from it for the URL that the other has told the group, and good there only.
 * So who has joined the group without the token is told of nothing that opens any other instance.
 */
export function peerToken(token: string, url: string): string {
  return createHmac('sha256', token).update(`an instance asks ${url}`).digest('base64url')
}

export function peerHeaders(token: string | undefined, url: string, instance: string): Record<string, string> {
  return {
    [instanceHeader]: instanceText(instance),
    ...(token === undefined ? {} : { authorization: `Bearer ${peerToken(token, url)}` }),
  }
}

/** What another instance answers that is no success. */
export interface ErrorTold {
  /** Undefined for what is no error of ours, or concerns the asking and not the question: then whoever has asked cannot ask it. */
  readonly code: ErrorCode | undefined
  readonly message: string | undefined
  readonly error: Readonly<Record<string, unknown>>
}

export function errorTold(body: unknown): ErrorTold {
  const { error: told } = (body ?? {}) as { readonly error?: unknown }
  const error = (told ?? {}) as Readonly<Record<string, unknown>>
  const code = errorCodes.find((each) => each === error['code'])
  const { message } = error
  return {
    code: code === 'NOT_ALLOWED' || code === 'REQUEST_INVALID' ? undefined : code,
    message: typeof message === 'string' ? message : undefined,
    error,
  }
}

/** What somebody answers, of whom it is not known how much that is. Rejects when it is more than `most` bytes. */
export async function textWithin({ body }: Response, most: number): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length
    if (bytes > most) throw new Error(`an answer of more than ${most} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
