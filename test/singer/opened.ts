import type { Logger } from '../../lib/core/logger.js'
import type { SourceBatch, SourceConnector, SourceContext } from '../../lib/connect/source.js'
import type { TapPosition } from '../../lib/singer/index.js'

export interface Line {
  readonly level: keyof Logger
  readonly fields: object
  readonly text: string
}

/** What comes of a source that is opened, and how it ended. */
export class Opened {
  readonly lines: Line[] = []
  readonly #ending = new AbortController()
  readonly iterator: AsyncIterator<SourceBatch<TapPosition>>

  constructor(source: SourceConnector<TapPosition>, position?: TapPosition) {
    const say =
      (level: keyof Logger) =>
      (fields: object, text = ''): void =>
        void this.lines.push({ level, fields, text })
    const context: SourceContext<TapPosition> = {
      source: 'test',
      partition: '0',
      position,
      signal: this.#ending.signal,
      logger: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
    }
    this.iterator = source.open(context)[Symbol.asyncIterator]()
  }

  async next(): Promise<SourceBatch<TapPosition>> {
    const { done, value } = await this.iterator.next()
    if (done === true) throw new Error('the source has ended')
    return value as SourceBatch<TapPosition>
  }

  /** Up to the batch that ends a run. */
  async run(): Promise<SourceBatch<TapPosition>[]> {
    const batches: SourceBatch<TapPosition>[] = []
    for (;;) {
      batches.push(await this.next())
      if (batches.at(-1)?.position?.endedAt !== undefined) return batches
    }
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.iterator.return?.()
  }
}

export function shownRecords(batches: readonly SourceBatch<TapPosition>[]): unknown[] {
  return batches.flatMap(({ records }) =>
    records.map(({ bytes, value, refused }) => {
      if (refused !== undefined) return { refused }
      return bytes === undefined ? value : (JSON.parse(Buffer.from(bytes).toString()) as unknown)
    }),
  )
}
