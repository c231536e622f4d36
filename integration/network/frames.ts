/** Cuts a stream into the frames of the Kafka protocol: a length of four bytes, then so many. */
export function byFrame(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = []
  let length = 0
  return (chunk) => {
    chunks.push(chunk)
    length += chunk.length
    // Put together only when a frame is whole: large ones come in hundreds of pieces.
    while (length >= 4) {
      if (chunks[0]!.length < 4) chunks = [Buffer.concat(chunks)]
      const size = 4 + chunks[0]!.readInt32BE(0)
      if (length < size) return
      const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      take(whole.subarray(0, size))
      chunks = whole.length > size ? [whole.subarray(size)] : []
      length -= size
    }
  }
}

/** Where requests are found: behind the length come API key, version and the number the answer will carry too. */
export const requestHeader = (frame: Buffer): { readonly apiKey: number; readonly correlation: number } => ({
  apiKey: frame.readInt16BE(4),
  correlation: frame.readInt32BE(8),
})

export const answerCorrelation = (frame: Buffer): number => frame.readInt32BE(4)

/**
 * Writes other ports into the addresses of an answer. In Metadata and FindCoordinator of every version they are the host
 * as a string and then the port as four bytes.
 */
export function rewritePorts(frame: Buffer, host: string, ports: ReadonlyMap<number, number>): void {
  const name = Buffer.from(host)
  for (let at = frame.indexOf(name); at >= 0; at = frame.indexOf(name, at + 1)) {
    const portAt = at + name.length
    if (portAt + 4 > frame.length) return
    const port = ports.get(frame.readInt32BE(portAt))
    if (port !== undefined) frame.writeInt32BE(port, portAt)
  }
}
