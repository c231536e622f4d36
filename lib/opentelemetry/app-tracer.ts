import type * as Api from '@opentelemetry/api'
import type { Context, Link, Span, SpanContext, SpanOptions } from '@opentelemetry/api'
import type { RecordInfo } from '../core/record.js'
import type { CommitTrace, TracedTurn, TraceHeaders, Tracer, TurnTrace } from '../core/telemetry/tracer.js'
import { Sampler } from './sampler.js'
import { endOf, quietly } from './spans.js'
import { headersOf, parentIn } from './trace-context.js'

/** Turns that a commit names, and failed turns whose next attempt is to find them. */
const mostLinks = 128
const mostFailed = 1_000

export interface AppTracerOptions {
  readonly api: typeof Api
  readonly tracer: Api.Tracer
  readonly app: string
  readonly sampleRatio: number
  readonly followTraces: boolean
}

/** Spans of what one app does. */
export class AppTracer implements Tracer {
  readonly #options: AppTracerOptions
  readonly #turns: Sampler
  readonly #hops: Sampler
  readonly #commits: Sampler
  /** Of turns that the next commit carries. */
  #succeeded: SpanContext[] = []
  /** Of the last attempt, by turn. */
  readonly #failed = new Map<string, SpanContext>()

  constructor(options: AppTracerOptions) {
    this.#options = options
    this.#turns = new Sampler(options.sampleRatio)
    this.#hops = new Sampler(options.sampleRatio)
    this.#commits = new Sampler(options.sampleRatio)
  }

  /** Most turns are not sampled: nothing is made for those. */
  turn(turn: TracedTurn): TurnTrace | undefined {
    const { record, tried } = turn
    try {
      const parent = this.#parentOf(record)
      const before = tried === 0 ? undefined : this.#failed.get(nameOf(turn))
      if (!this.#isSampled(parent, this.#turns, before !== undefined)) return undefined
      return this.#begin(turn, parent, before)
    } catch {
      return undefined
    }
  }

  #begin(turn: TracedTurn, parent: SpanContext | undefined, before: SpanContext | undefined): TurnTrace | undefined {
    const { api, tracer } = this.#options
    const links: Link[] = before === undefined ? [] : [{ context: before, attributes: { 'millrace.link': 'retry' } }]
    const kind = turn.source.isTimer ? api.SpanKind.INTERNAL : api.SpanKind.CONSUMER
    const within = this.#within(parent)
    const options = { kind, links, attributes: this.#facts(turn) }
    const span = tracer.startSpan(`turn ${turn.source.kind.name}`, options, within)
    return span.isRecording() ? this.#traceOf(turn, span, within) : ended(span)
  }

  hop(record: RecordInfo, inbox: string): TraceHeaders | undefined {
    try {
      const parent = this.#parentOf(record)
      return this.#isSampled(parent, this.#hops, false) ? this.#hopped(record, inbox, parent) : undefined
    } catch {
      return undefined
    }
  }

  #hopped(record: RecordInfo, inbox: string, parent: SpanContext | undefined): TraceHeaders | undefined {
    const { api, tracer, app } = this.#options
    const attributes = { 'messaging.system': 'kafka', 'messaging.destination.name': inbox, 'millrace.app': app }
    const options: SpanOptions = { kind: api.SpanKind.PRODUCER, attributes: { ...attributes, ...from(record) } }
    const span = tracer.startSpan(`hop ${inbox}`, options, this.#within(parent))
    span.end()
    return isSampled(span.spanContext()) ? headersOf(span.spanContext()) : undefined
  }

  commit(seq: number, tasks: number): CommitTrace | undefined {
    return quietly(() => {
      const links = this.#succeeded.map((context) => ({ context, attributes: { 'millrace.link': 'turn' } }))
      this.#succeeded = []
      if (!this.#commits.next() && links.length === 0) return undefined
      const { api, tracer, app } = this.#options
      const attributes = { 'millrace.app': app, 'millrace.commit.seq': seq, 'millrace.commit.tasks': tasks }
      const span = tracer.startSpan(`commit ${app}`, { attributes, links, root: true }, api.ROOT_CONTEXT)
      const end = endOf(api, span)
      return {
        made: (records, bytes) =>
          end(undefined, { 'millrace.commit.records': records, 'millrace.commit.bytes': bytes }),
        refused: (error) => end({ error }),
      }
    })
  }

  #traceOf(turn: TracedTurn, span: Span, within: Context): TurnTrace {
    const { api } = this.#options
    const inside = api.trace.setSpan(within, span)
    const end = endOf(api, span)
    const context = span.spanContext()
    const name = nameOf(turn)
    return {
      headers: headersOf(context),
      run: (call) => api.context.with(inside, call),
      succeeded: () => {
        if (!end(undefined)) return
        this.#failed.delete(name)
        if (this.#succeeded.length < mostLinks) this.#succeeded.push(context)
      },
      failed: (error) => {
        if (!end({ error })) return
        this.#failed.delete(name)
        this.#failed.set(name, context)
        const [first] = this.#failed.keys()
        if (first !== undefined && this.#failed.size > mostFailed) this.#failed.delete(first)
      },
    }
  }

  #parentOf(record: RecordInfo): SpanContext | undefined {
    if (!this.#options.followTraces) return undefined
    const { headers } = record
    return headers.size === 0 ? undefined : parentIn(headers, this.#options.api.createTraceState)
  }

  /** Whoever began the trace has decided for all of it. */
  #isSampled(parent: SpanContext | undefined, sampler: Sampler, isRetried: boolean): boolean {
    return parent === undefined ? isRetried || sampler.next() : isSampled(parent)
  }

  #within(parent: SpanContext | undefined): Context {
    const { api } = this.#options
    return parent === undefined ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, parent)
  }

  #facts({ source, key, record, tried }: TracedTurn): Api.Attributes {
    return {
      'millrace.app': this.#options.app,
      'millrace.kind': source.kind.name,
      'millrace.key': key,
      'millrace.input': source.id,
      'millrace.attempt': tried + 1,
      ...(source.isTimer
        ? {}
        : {
            'messaging.system': 'kafka',
            'messaging.operation.type': 'process',
            'messaging.destination.name': record.topic,
          }),
      ...(source.isTimer ? {} : from(record)),
    }
  }
}

const from = ({ topic, partition, offset }: RecordInfo): Api.Attributes => ({
  'millrace.record.topic': topic,
  'messaging.destination.partition.id': String(partition),
  'messaging.kafka.offset': Number(offset),
})

const isSampled = ({ traceFlags }: SpanContext): boolean => (traceFlags & 1) === 1

/** The sampler of the SDK does not want it. */
function ended(span: Span): undefined {
  span.end()
}

function nameOf({ source, key, record: { topic, partition, offset } }: TracedTurn): string {
  return `${topic} ${partition} ${offset} ${source.kind.name} ${source.id} ${key}`
}
