import { forget, isThenable, kindOf } from '../core/record-checks.js'
import { RecordRefused } from '../core/record-refused.js'
import type { RecordInfo } from '../core/record.js'
import type { StreamNode, TopicNode } from './stream.js'

/** Takes one value of a stream. */
export type Push = (value: unknown, record: RecordInfo) => void

/** One way from a source topic through the stream's steps, fused into a function. */
export interface SourcePath {
  readonly topic: TopicNode
  /** Whether the value that arrives may be another than the one in the topic. */
  readonly changed: boolean
  /** Whether one value may become several. */
  readonly many: boolean
  /** Whether records without a value go this way too. */
  readonly tombstones: boolean
  /** The steps as one function that ends in `sink`; `use` is called before the first step that may change the value. */
  readonly fuse: (sink: Push, use?: () => void) => Push
}

/** All ways into a stream: one per topic and branch of a merge. What its steps throw comes out as `RecordRefused`. */
export function paths(node: StreamNode): readonly SourcePath[] {
  switch (node.kind) {
    case 'topic':
      return [{ topic: node, changed: false, many: false, tombstones: false, fuse: (sink) => sink }]
    case 'tombstones':
      return [{ topic: node.from, changed: false, many: false, tombstones: true, fuse: (sink) => sink }]
    case 'merge':
      return node.from.flatMap(paths)
    case 'filter': {
      const test = node.test as (value: unknown, record: RecordInfo) => unknown
      return through(node.from, {}, (sink) => (value, record) => {
        let passes: unknown
        try {
          passes = test(value, record)
        } catch (cause) {
          throw RecordRefused.by('STEP_FAILED', 'a filter or branch of the stream', cause)
        }
        if (isThenable(passes)) throw pending('a filter or branch of the stream', passes)
        if (passes) sink(value, record)
      })
    }
    case 'map': {
      const step = node.step as (value: unknown, record: RecordInfo) => unknown
      return through(node.from, { changed: true }, (sink, use) => (value, record) => {
        let made: unknown
        use?.()
        try {
          made = step(value, record)
        } catch (cause) {
          throw RecordRefused.by('STEP_FAILED', 'a map of the stream', cause)
        }
        if (isThenable(made)) throw pending('a map of the stream', made)
        sink(made, record)
      })
    }
    case 'flatMap': {
      const step = node.step as (value: unknown, record: RecordInfo) => unknown
      return through(node.from, { changed: true, many: true }, (sink, use) => (value, record) => {
        use?.()
        each(step, value, record, sink)
      })
    }
  }
}

/** Hands on what a `flatMap` makes of a value, one by one. */
function each(
  step: (value: unknown, record: RecordInfo) => unknown,
  value: unknown,
  record: RecordInfo,
  sink: Push,
): void {
  const what = 'a flatMap of the stream'
  let isBeyond = false
  let count = 0
  try {
    const made = step(value, record)
    if (isThenable(made)) throw pending(what, made)
    if (!isIterable(made))
      throw new RecordRefused('STEP_FAILED', `${what} gave ${kindOf(made)}; it must give an array or another iterable`)
    for (const one of made) {
      if (isThenable(one)) {
        // Those behind it are looked at by nobody else.
        if (Array.isArray(made)) made.filter(isThenable).forEach(forget)
        throw pending(what, one)
      }
      if (++count > mostValues) throw tooMany(what)
      isBeyond = true
      sink(one, record)
      isBeyond = false
    }
  } catch (cause) {
    // What is thrown beyond it is not its own.
    throw isBeyond || cause instanceof RecordRefused ? cause : RecordRefused.by('STEP_FAILED', what, cause)
  }
}

/** Values that may come of one record: each is a turn or a record of its own, and all of them are in one commit. */
export const mostValues = 100_000

export function tooMany(what: string): RecordRefused {
  return new RecordRefused(
    'STEP_FAILED',
    `${what} gave more than ${mostValues} values for one record. Let it end, or split the record where it is produced.`,
  )
}

function isIterable(value: unknown): value is Iterable<unknown> {
  if (typeof value === 'string') return true
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

/** Nobody can wait for it: records of a partition pass one after the other. */
function pending(what: string, promise: PromiseLike<unknown>): RecordRefused {
  forget(promise)
  return new RecordRefused(
    'STEP_FAILED',
    `${what} gave a promise: steps cannot wait for anything. Do asynchronous work in a handler.`,
  )
}

function through(
  from: StreamNode,
  step: { readonly changed?: true; readonly many?: true },
  wrap: (sink: Push, use: (() => void) | undefined) => Push,
): readonly SourcePath[] {
  return paths(from).map(({ topic, changed, many, tombstones, fuse }) => ({
    topic,
    changed: changed || step.changed === true,
    many: many || step.many === true,
    tombstones,
    fuse: (sink, use) => fuse(wrap(sink, use), use),
  }))
}
