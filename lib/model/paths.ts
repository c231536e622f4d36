import type { RecordInfo } from '../core/record.js'
import type { StreamNode, TopicNode } from './stream.js'

/** Takes one value of a stream. */
export type Push = (value: unknown, record: RecordInfo) => void

/** One way from a source topic through the stream's steps, fused into a function. */
export interface SourcePath {
  readonly topic: TopicNode
  /** Whether the value that arrives may be another than the one in the topic. */
  readonly changed: boolean
  /** Whether records without a value go this way too. */
  readonly tombstones: boolean
  /** The steps as one function that ends in `sink`. */
  readonly fuse: (sink: Push) => Push
}

/** All ways into a stream: one per topic and branch of a merge. */
export function paths(node: StreamNode): readonly SourcePath[] {
  switch (node.kind) {
    case 'topic':
      return [{ topic: node, changed: false, tombstones: false, fuse: (sink) => sink }]
    case 'tombstones':
      return [{ topic: node.from, changed: false, tombstones: true, fuse: (sink) => sink }]
    case 'merge':
      return node.from.flatMap(paths)
    case 'filter': {
      const test = node.test as (value: unknown, record: RecordInfo) => boolean
      return through(node.from, false, (sink) => (value, record) => {
        if (test(value, record)) sink(value, record)
      })
    }
    case 'map': {
      const step = node.step as (value: unknown, record: RecordInfo) => unknown
      return through(node.from, true, (sink) => (value, record) => sink(step(value, record), record))
    }
    case 'flatMap': {
      const step = node.step as (value: unknown, record: RecordInfo) => Iterable<unknown>
      return through(node.from, true, (sink) => (value, record) => {
        for (const each of step(value, record)) sink(each, record)
      })
    }
  }
}

function through(from: StreamNode, changes: boolean, wrap: (sink: Push) => Push): readonly SourcePath[] {
  return paths(from).map(({ topic, changed, tombstones, fuse }) => ({
    topic,
    changed: changed || changes,
    tombstones,
    fuse: (sink) => fuse(wrap(sink)),
  }))
}
