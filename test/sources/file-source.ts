import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SourceConnector } from 'millrace'

/** The position is how many bytes were read. */
export function fileSource(path: string): SourceConnector<number> {
  return {
    kind: 'file',
    delivery: 'replayable',
    async *open({ position = 0, signal }) {
      await using file = await open(path)
      let offset = position
      let rest = Buffer.alloc(0) // Behind the last line feed: it is being written.
      while (!signal.aborted) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(65_536), 0, 65_536, offset + rest.length)
        if (bytesRead === 0) {
          await sleep(200, undefined, { signal }).catch(() => undefined)
          continue
        }
        rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
        const records = []
        for (let end; (end = rest.indexOf('\n')) >= 0; rest = rest.subarray(end + 1)) {
          records.push({ bytes: rest.subarray(0, end), at: `${path}:${offset}` })
          offset += end + 1
        }
        if (records.length > 0) yield { records, position: offset }
      }
    },
  }
}
