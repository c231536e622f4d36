import type { Frames } from './frame-reader.js'

const headBytes = 4
const lineFeed = 10
const carriageReturn = 13
/** What 4 bytes can say. */
export const longestFrame = 2 ** 32 - 1

/** Why these bytes cannot be a frame; undefined when they can. */
export function noFrame(frames: Frames, bytes: Uint8Array, maxFrameBytes: number): string | undefined {
  if (bytes.length > maxFrameBytes)
    return `it has ${bytes.length} bytes, more than the ${maxFrameBytes} of maxFrameBytes`
  if (frames === 'length') return undefined
  const feed = bytes.indexOf(lineFeed)
  if (feed >= 0) return `it has a line feed at byte ${feed}, so it is no line`
  return bytes.at(-1) === carriageReturn
    ? 'it ends with a carriage return, which would be taken for part of the line end'
    : undefined
}

/** Frames as they are sent, one behind the other. */
export function framed(frames: Frames, all: readonly Uint8Array[]): Buffer {
  const beside = frames === 'length' ? headBytes : 1
  const whole = Buffer.allocUnsafe(all.reduce((sum, { length }) => sum + beside + length, 0))
  let at = 0
  for (const bytes of all) {
    if (frames === 'length') at = whole.writeUInt32BE(bytes.length, at)
    whole.set(bytes, at)
    at += bytes.length
    if (frames === 'line') at = whole.writeUInt8(lineFeed, at)
  }
  return whole
}
