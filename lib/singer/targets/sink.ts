import { systemClock } from '../../core/clock.js'
import { durationMs } from '../../core/duration.js'
import { MillraceError } from '../../core/errors.js'
import type { SinkBatch, SinkConnector, SinkContext, SinkPartition } from '../../connect/sink.js'
import { PrivateFiles } from '../child/private-files.js'
import { secretsIn } from '../child/secrets.js'
import { checkSinkOptions, type SingerSinkOptions } from './sink-options.js'
import { Target } from './target.js'
import { TargetLines } from './target-lines.js'
import { jsonSchemaOf } from './target-schema.js'

/**
 * Hands records to a program on its stdin as Singer messages, such as a target from PyPI: `SCHEMA`, `RECORD`s, and behind each batch a
 * `STATE`, which the program repeats on its stdout when it has written what came before. One program for each partition. What was not acknowledged is sent again, so each record
 * comes at least once. Throws `OPTIONS_INVALID` and `DEFINITION_INVALID`.
 */
export function singerSink<V>(options: SingerSinkOptions<V>): SinkConnector<V> {
  checkSinkOptions(options)
  jsonSchemaOf(options.schema)
  const given = Object.freeze({ ...options }) as SingerSinkOptions<never>
  return Object.freeze({
    kind: 'singer',
    open: (context: SinkContext) => new TargetPartition(given, context) as SinkPartition<V>,
  })
}

class TargetPartition implements SinkPartition {
  readonly #options: SingerSinkOptions<never>
  readonly #context: SinkContext
  /** Of the program that runs: they go with it, whoever is killed. */
  #files: PrivateFiles | undefined
  readonly #lines: TargetLines
  readonly #stopTimeoutMs: number
  readonly #ackTimeoutMs: number
  #target: Target | undefined

  constructor(options: SingerSinkOptions<never>, context: SinkContext) {
    this.#options = options
    this.#context = context
    this.#lines = new TargetLines(context.topic, options)
    this.#stopTimeoutMs = durationMs(options.stopTimeout ?? '5s', 'stopTimeout')
    this.#ackTimeoutMs = durationMs(options.ackTimeout ?? '1m', 'ackTimeout')
  }

  async write(batch: SinkBatch): Promise<void> {
    const { topic, partition, nextOffset } = batch
    const lines = this.#lines.of(batch)
    const ends = this.#options.acknowledges === 'at-end'
    if (this.#target?.isUsable !== true) await this.#begin()
    const target = this.#target as Target
    const sent = new AbortController()
    // What is under way may end well; what does not comes again.
    const stop = (): void => void this.#stopTarget(target, sent.signal)
    this.#context.signal.addEventListener('abort', stop)
    try {
      await target.send(lines, { topic, partition, nextOffset }, ends, this.#ackTimeoutMs)
    } catch (error) {
      await target.stop()
      await this.#removeFiles()
      throw error
    } finally {
      sent.abort()
      this.#context.signal.removeEventListener('abort', stop)
      if (ends) await this.#end()
    }
  }

  async close(): Promise<void> {
    await this.#end()
  }

  async #stopTarget(target: Target, sent: AbortSignal): Promise<void> {
    await systemClock.sleep(this.#stopTimeoutMs, sent)
    if (!sent.aborted) await target.stop()
  }

  async #begin(): Promise<void> {
    const { command, cwd, env, config, maxLineBytes = 4_194_304 } = this.#options
    await this.#target?.stop()
    await this.#removeFiles()
    const files = (this.#files = await PrivateFiles.create())
    const args = [...(this.#options.args ?? []), ...(await files.flag('--config', config))]
    if (this.#context.signal.aborted)
      throw new MillraceError(
        'APP_CLOSED',
        `${this.#context.topic}[${this.#context.partition}] is no more of this process`,
      )
    this.#target = new Target(
      {
        command,
        args,
        cwd,
        env: { ...env, MILLRACE_TOPIC: this.#context.topic, MILLRACE_PARTITION: String(this.#context.partition) },
        secrets: secretsIn(env, config),
        folder: files.folder,
        stdin: 'open',
        stopTimeoutMs: this.#stopTimeoutMs,
        logger: this.#context.logger,
      },
      maxLineBytes,
      this.#lines.schema,
    )
  }

  async #end(): Promise<void> {
    const target = this.#target
    this.#target = undefined
    await target?.close()
    await this.#removeFiles()
  }

  async #removeFiles(): Promise<void> {
    const files = this.#files
    this.#files = undefined
    await files?.remove()
  }
}
