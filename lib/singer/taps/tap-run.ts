import { systemClock } from '../../core/clock.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { durationMs } from '../../core/duration.js'
import type { Json } from '../../connect/json.js'
import type { SourceContext, SourceRecord } from '../../connect/source.js'
import { Child } from '../child/child.js'
import { LineSplitter } from '../child/line-splitter.js'
import { jsonIn, readMessage, type Message } from '../messages/messages.js'
import type { JsonObject } from '../messages/json-object.js'
import type { SingerSourceOptions } from './source-options.js'
import { PrivateFiles } from '../child/private-files.js'
import { secretsIn } from '../child/secrets.js'
import { TapBatches, type TapBatch, type TapPosition } from './tap-batches.js'
import { unsafeAsText, unsafeInteger } from '../messages/unsafe-integer.js'

/** Runs the program once, from a position to its end. Throws when it does not end as it should. */
export async function* runTap(
  options: SingerSourceOptions,
  { logger, signal }: SourceContext<TapPosition>,
  position: TapPosition,
): AsyncGenerator<TapBatch> {
  const files = await PrivateFiles.create()
  const stopTimeoutMs = durationMs(options.stopTimeout ?? '5s', 'stopTimeout')
  let child: Child | undefined
  const stop = (): void => void child?.stop()
  try {
    child = new Child({
      command: options.command,
      args: [
        ...(options.args ?? []),
        ...(await files.flag('--config', options.config)),
        ...(await files.flag(options.catalogFlag ?? '--catalog', options.catalog)),
        ...(position.state === undefined ? [] : ['--state', await files.write('state', position.state)]),
      ],
      cwd: options.cwd,
      env: options.env ?? {},
      secrets: secretsIn(options.env, options.config, options.catalog),
      folder: files.folder,
      stdin: options.commitsToStdin === true ? 'open' : 'closed',
      stopTimeoutMs,
      logger,
    })
    signal.addEventListener('abort', stop)
    if (signal.aborted) return
    const reader = new TapReader(child.name, options, position, (what) => logger.warn({ child: child?.name }, what))
    const given = options.commitsToStdin === true ? acknowledging(child) : (batch: TapBatch): TapBatch => batch
    const splitter = new LineSplitter(child.name, options.maxLineBytes ?? 4_194_304)
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      for (const line of splitter.push(chunk)) {
        reader.read(line)
        if (reader.batches.isFull) yield* taken(reader.batches, given)
      }
      yield* taken(reader.batches, given)
    }
    const { isClean, how } = await child.ended()
    if (signal.aborted) return
    if (!isClean)
      throw new MillraceError('CHILD_FAILED', `${child.name} ${how}, behind line ${reader.line} of its stdout`)
    const { rest } = splitter
    if (rest.length > 0) reader.read(rest)
    yield given(reader.batches.end(systemClock.now()))
  } finally {
    signal.removeEventListener('abort', stop)
    await child?.stop()
    await files.remove()
  }
}

function* taken(batches: TapBatches, given: (batch: TapBatch) => TapBatch): Generator<TapBatch> {
  const batch = batches.take()
  if (batch !== undefined) yield given(batch)
}

/** Bytes of STATEs that it has not read. */
const mostUnread = 1_048_576

/** Batches that tell the program of their STATE, in the place of a position. */
function acknowledging(child: Child): (batch: TapBatch) => TapBatch {
  const tell = (state: Json): void => {
    child.stdin.write(`${JSON.stringify({ type: 'STATE', value: state })}\n`)
    if (child.stdin.writableLength > mostUnread)
      throw new MillraceError('CHILD_FAILED', `${child.name} does not read its stdin, which says what is committed`)
  }
  return ({ records, position: { state, endedAt } = {} }) => ({
    records,
    ...(endedAt === undefined ? {} : { position: { endedAt } }),
    ...(state === undefined ? {} : { ack: () => tell(state) }),
  })
}

/** Most types of messages without a meaning here that are named in the log. */
const mostNamed = 20

const notHeld = (digits: string, by: string): string =>
  `${digits} is more than a JavaScript number holds, and '${by}' would see another`

class TapReader {
  readonly batches: TapBatches
  line = 0
  readonly #name: string
  readonly #options: SingerSourceOptions
  readonly #warn: (what: string) => void
  readonly #named = new Set<string>()
  #stream: string | undefined

  constructor(name: string, options: SingerSourceOptions, position: TapPosition, warn: (what: string) => void) {
    this.#name = name
    this.#options = options
    this.#warn = warn
    this.#stream = options.stream
    this.batches = new TapBatches(name, position, {
      waits: options.beforeState !== 'commit',
      maxHeldBytes: options.maxHeldBytes ?? 67_108_864,
    })
  }

  read(line: Buffer): void {
    this.line++
    if (line.length === 0 || (line.length === 1 && line[0] === 0x0d)) return
    const message = readMessage(line)
    if (message.kind === 'record') return this.#record(message)
    if (message.kind === 'state') return this.batches.state(message.value)
    if (message.kind === 'bad') return this.#add({ bytes: line, refused: message.reason })
    if (message.type === 'BATCH')
      throw this.#failure('a BATCH, which names files; let it send records (of SDK taps: leave out batch_config)')
    if (message.type !== 'SCHEMA') this.#nameOnce(message.type)
  }

  #record(message: Message & { readonly kind: 'record' }): void {
    this.#stream ??= message.stream
    if (message.stream !== this.#stream) {
      if (this.#options.otherStreams === 'ignore') return
      throw this.#failure(
        `a record of stream '${message.stream.slice(0, 100)}', where '${this.#stream.slice(0, 100)}' goes into the topic. Set stream and otherStreams: 'ignore', or let it send one stream`,
      )
    }
    this.#add({ ...this.#contentOf(message), ...(message.time === undefined ? {} : { timestamp: message.time }) })
  }

  #contentOf({ bytes, stream, time }: Message & { readonly kind: 'record' }): SourceRecord {
    const { value, id } = this.#options
    if (value === undefined && id === undefined) return { bytes }
    const record = jsonIn(bytes)
    if (record === undefined) return { bytes, refused: "a RECORD whose 'record' is no JSON" }
    try {
      const about = { stream, time }
      const lost = unsafeInteger(bytes)
      if (lost !== undefined && value !== undefined) return { bytes, refused: notHeld(lost, 'value') }
      const ids = id === undefined ? {} : { id: id(record as JsonObject, about) }
      // Another record could have the same number to it, and so the same id: that would be left out as one that comes again.
      if (lost !== undefined && ids.id !== id?.(jsonIn(unsafeAsText(bytes)) as JsonObject, about))
        return { bytes, refused: notHeld(lost, 'id') }
      if (value === undefined) return { bytes, ...ids }
      return { value: value(record as JsonObject, about), ...ids }
    } catch (error) {
      return { bytes, refused: `what it is made of it throws: ${reasonOf(error)}` }
    }
  }

  #add(record: SourceRecord): void {
    this.batches.record({ ...record, at: `${this.#name} line ${this.line}` }, record.bytes?.length ?? 1_000)
  }

  #nameOnce(type: string): void {
    if (this.#named.has(type) || this.#named.size >= mostNamed) return
    this.#named.add(type)
    this.#warn(
      `${this.#name} line ${this.line}: messages of type ${JSON.stringify(type)} have no meaning here and are left out`,
    )
  }

  #failure(what: string): MillraceError {
    return new MillraceError('CHILD_FAILED', `${this.#name} line ${this.line}: ${what}`)
  }
}
