import { MillraceError } from '../../core/errors.js'
import { shown } from '../../core/options.js'
import { positionsTopic, sinkGroup, sourceGroup, targetsOf } from '../../model/names.js'
import { topicNode, type TopicNode } from '../../model/stream.js'
import type { ConnectorHealth, ConnectorStats, Runner, RunnerOptions } from '../runner.js'
import type { Sink } from '../sink.js'
import type { Source } from '../source.js'
import { SinkRunner } from '../sinks/sink-runner.js'
import { SourceRunner } from '../sources/source-runner.js'

/** All that an app is connected to. */
export interface Connectors {
  readonly sources: readonly Source[]
  readonly sinks: readonly Sink[]
}

/** Throws `DEFINITION_INVALID` for what is no source or sink, for names that are there twice, and for a topic that no source may write to. */
export function checkConnectors(app: string, { sources, sinks }: Connectors): void {
  demandNamed('source', sources)
  demandNamed('sink', sinks)
  const demandTarget = targetsOf(app)
  for (const { name, options } of sources) demandTarget(options.into.name, `source '${name}': into`)
}

function demandNamed(kind: 'source' | 'sink', all: readonly (Source | Sink)[]): void {
  const names = new Set<string>()
  for (const each of all) {
    if ((each as Partial<Source> | null | undefined)?.kind !== kind) {
      const what = `${kind}s: ${shown(each)} is no ${kind}; give a list of them, made with ${kind}(name, options)`
      throw new MillraceError('DEFINITION_INVALID', what)
    }
    if (names.has(each.name)) {
      const what = `two ${kind}s are named '${each.name}': a name is where ${kind === 'source' ? 'positions are' : 'offsets are'} found again, so rename one`
      throw new MillraceError('DEFINITION_INVALID', what)
    }
    names.add(each.name)
  }
}

/** What sources write to; undefined where there are neither sources nor sinks. */
export function writtenBySources({ sources, sinks }: Connectors): readonly TopicNode[] | undefined {
  if (sources.length + sinks.length === 0) return undefined
  return sources.map(({ options }) => topicNode(options.into))
}

const promises = {
  replayable: 'exactly-once: it begins behind its last committed position',
  acknowledged: 'at-least-once: what was not acknowledged comes again, and is written once where it has an id',
  volatile: 'at-most-once: what is under way when a process dies is lost',
} as const

const atLeastOnce = 'at-least-once; exactly-once where the target keeps the offset, or commits in two phases'
const nothingPromised = 'no guarantee: the target does not say what it has'

/** A line for each, for `describe()`. */
export function describeConnectors(app: string, { sources, sinks }: Connectors): readonly string[] {
  return [
    ...sources.flatMap(({ name, options: { from, into } }) => [
      `  source ${name}: ${from.kind} → ${into.name} (${promises[from.delivery]})`,
      from.everywhere === true
        ? `    read by every process`
        : `    positions ${positionsTopic(app, name)}, group ${sourceGroup(app, name)}`,
    ]),
    ...sinks.flatMap(({ name, options: { from, to } }) => [
      `  sink ${name}: ${from.name} → ${to.kind} (${to.delivery === 'volatile' ? nothingPromised : atLeastOnce})`,
      `    group ${sinkGroup(app, name)}`,
    ]),
  ]
}

/** Runs the sources and sinks of an app. */
export class Connections {
  readonly #sources: readonly Runner[]
  readonly #sinks: readonly Runner[]

  constructor(options: RunnerOptions, { sources, sinks }: Connectors) {
    this.#sources = sources.map((each) => new SourceRunner(options, each))
    this.#sinks = sinks.map((each) => new SinkRunner(options, each))
  }

  /** Sinks first, so that they have joined when something comes. */
  async start(): Promise<void> {
    await Promise.all(this.#sinks.map((runner) => runner.start()))
    await Promise.all(this.#sources.map((runner) => runner.start()))
  }

  get hasSinks(): boolean {
    return this.#sinks.length > 0
  }

  async closeSources(): Promise<void> {
    await Promise.all(this.#sources.map((runner) => runner.close()))
  }

  async closeSinks(): Promise<void> {
    await Promise.all(this.#sinks.map((runner) => runner.close()))
  }

  get health(): readonly ConnectorHealth[] {
    return [...this.#sources, ...this.#sinks].map(({ health }) => health)
  }

  get stats(): readonly ConnectorStats[] {
    return [...this.#sources, ...this.#sinks].map(({ stats }) => stats)
  }
}
