import type { MadeApp } from '../../app/inspector.js'
import { sinkGroup, sourceGroup } from '../../model/names.js'

export type Resource = 'topic' | 'group' | 'transactional-id'
export type Operation = 'Read' | 'Write' | 'Create' | 'Delete'

/** A permission that the user of an app needs. */
export interface Acl {
  readonly resource: Resource
  readonly pattern: 'literal' | 'prefixed'
  readonly name: string
  readonly operations: readonly Operation[]
  /** What it is, for those who read the list. */
  readonly on: keyof typeof table
}

/** What an app does with Kafka. */
export interface Needs {
  readonly app: string
  readonly reads: readonly string[]
  readonly lookups: readonly string[]
  readonly writes: readonly string[]
  readonly isExactlyOnce: boolean
  /** Topics that are missing are made (`createTopics`). */
  readonly makesTopics: boolean
  readonly sources: readonly string[]
  readonly sinks: readonly string[]
}

/** The table in docs/operations.md; a test compares. `<id>` is that of the app. */
export const table = {
  'a source': { resource: 'topics that the app reads, lookup topics and those of sinks too', operations: ['Read'] },
  'a lookup topic': {
    resource: 'topics that the app reads, lookup topics and those of sinks too',
    operations: ['Read'],
  },
  'an output': { resource: 'topics that it emits, publishes or writes to', operations: ['Write'] },
  'its own topics': {
    resource: 'topics that start with `<id>-` (prefixed)',
    operations: ['Read', 'Write', 'Create', 'Delete'],
  },
  'its group': { resource: 'group `<id>`', operations: ['Read'] },
  'its transactional ids': { resource: 'transactional ids that start with `<id>:` (prefixed)', operations: ['Write'] },
  'the group of a source': { resource: 'groups `<id>-source-<name>`, for each source', operations: ['Read'] },
  'the transactional ids of sources': {
    resource: 'transactional ids that start with `<id>/source/` (prefixed), with sources',
    operations: ['Write'],
  },
  'the group of a sink': { resource: 'groups `<id>-sink-<name>`, for each sink', operations: ['Read'] },
} as const satisfies Readonly<Record<string, { readonly resource: string; readonly operations: readonly Operation[] }>>

/** All that is needed, and no more. */
export function aclsOf(needs: Needs): readonly Acl[] {
  const { app, reads, lookups, writes, sources, sinks } = needs
  const readOrWritten = needs.makesTopics ? [...new Set([...reads, ...lookups, ...writes])] : []
  const hasEngine = reads.length > 0 || sources.length === 0
  return [
    ...reads.map((name) => acl('a source', 'topic', name)),
    ...lookups.map((name) => acl('a lookup topic', 'topic', name)),
    ...writes.map((name) => acl('an output', 'topic', name)),
    ...readOrWritten.map((name) => ({ ...acl('an output', 'topic', name), operations: ['Create' as const] })),
    acl('its own topics', 'topic', `${app}-`, 'prefixed'),
    ...(hasEngine ? [acl('its group', 'group', app)] : []),
    ...(hasEngine && needs.isExactlyOnce
      ? [acl('its transactional ids', 'transactional-id', `${app}:`, 'prefixed')]
      : []),
    ...sources.map((name) => acl('the group of a source', 'group', sourceGroup(app, name))),
    ...(sources.length === 0
      ? []
      : [acl('the transactional ids of sources', 'transactional-id', `${app}/source/`, 'prefixed')]),
    ...sinks.map((name) => acl('the group of a sink', 'group', sinkGroup(app, name))),
  ]
}

function acl(on: Acl['on'], resource: Resource, name: string, pattern: Acl['pattern'] = 'literal'): Acl {
  return { resource, pattern, name, operations: table[on].operations, on }
}

export function needsOf({ options, program, graph }: MadeApp): Needs {
  const named = (type: 'source' | 'sink') => graph.nodes.filter((node) => node.type === type).map(({ name }) => name)
  const ofSinks = graph.edges.flatMap(({ type, from }) => (type === 'sink' ? [from.slice('topic:'.length)] : []))
  return {
    app: options.id,
    reads: [...new Set([...program.sources.map(({ name }) => name), ...ofSinks])],
    lookups: program.lookups.map(({ name }) => name),
    writes: program.targets.map(({ name }) => name),
    isExactlyOnce: options.guarantee !== 'at-least-once',
    makesTopics: options.createTopics === true,
    sources: named('source'),
    sinks: named('sink'),
  }
}

/** As commands of Kafka's own tool. */
export function kafkaAcls(acls: readonly Acl[], principal: string, brokers: string): readonly string[] {
  return acls.map(({ resource, pattern, name, operations }) => {
    const prefixed = pattern === 'prefixed' ? ' --resource-pattern-type prefixed' : ''
    const asked = operations.map((operation) => ` --operation ${operation}`).join('')
    return `kafka-acls --bootstrap-server ${quoted(brokers)} --add --allow-principal ${quoted(principal)}${asked} --${resource} ${quoted(name)}${prefixed}`
  })
}

/** For a shell. */
const quoted = (text: string): string => (/^[\w.,:/@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)
