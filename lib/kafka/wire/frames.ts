/** Of the length in front of each message. Source: https://kafka.apache.org/protocol.html#protocol_common */
export const lengthBytes = 4
/** What every answer begins with. */
const correlationBytes = 4

/** Cuts what a socket receives into messages, however it comes in pieces. What it gives are views, never copies, of pieces that hold whole messages. */
export class Frames {
  #pieces: Buffer[] = []
  #received = 0
  /** Before so much has come there is nothing to give. */
  #needed = lengthBytes

  /** Gives each message that is complete with this piece, its length included. Throws a RangeError for a length that no answer has. */
  push(piece: Buffer, give: (message: Buffer) => void): void {
    this.#received += piece.length
    this.#pieces.push(piece)
    if (this.#received < this.#needed) return
    const all = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces, this.#received)
    let from = 0
    this.#needed = lengthBytes
    while (all.length - from >= lengthBytes) {
      const length = all.readInt32BE(from)
      if (length < correlationBytes) throw new RangeError(`a message of ${length} bytes`)
      const end = from + lengthBytes + length
      if (end > all.length) {
        this.#needed = end - from
        break
      }
      give(all.subarray(from, end))
      from = end
    }
    this.#pieces = from === all.length ? [] : [all.subarray(from)]
    this.#received = all.length - from
  }
}
