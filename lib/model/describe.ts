import type { ErrorPolicy, KindDefinition } from './kind.js'
import { changelogTopic, deadLetterTopic, inboxTopic, timerTopic } from './names.js'
import { timedTopics, type Program } from './program.js'
import { sourceNames, type StreamNode, type TopicNode } from './stream.js'
import type { WindowDefinition } from './window.js'

/** Every kind, topic and store name of an app, so that a rename in code is seen before it is a new, empty kind. */
export function describeProgram(app: string, { kinds, flows, sources, lookups }: Program): string {
  const timed = new Set(kinds.flatMap((kind) => [...timedTopics(kind).all]))
  const lines = [
    `app ${app}`,
    ...sources.map((topic) => `  reads ${topic.name} (${read(topic, timed.has(topic.name)).join('; ')})`),
    ...lookups.map((topic) => `  looks up ${topic.name} (${forms(topic).join('; ')})`),
  ]
  for (const kind of kinds) {
    lines.push(`  state object ${kind.name} (${qualities(kind).join('; ')})`)
    for (const { id, from, route, onError, breaker } of kind.inputs) {
      const pauses = breaker && `; pauses: after ${breaker.after} failing objects, tries every ${breaker.probeMs} ms`
      const errors = `errors: ${onErrorText(onError)}${pauses ?? ''}`
      lines.push(`    on ${id}: ${steps(from)} → key → turn (route: ${route}; ${errors})`)
    }
    for (const { name, time, backlog } of kind.timers.values())
      lines.push(`    timer ${name} (${time} time${backlog === 'fire' ? ', fires in a backlog' : ''})`)
    for (const name of kind.queries.keys()) lines.push(`    query ${name}`)
    for (const target of kind.emits) lines.push(`    emits ${written(target)}`)
    for (const { target } of kind.publishes) lines.push(`    publishes ${written(target)}`)
    lines.push(`    changelog ${changelogTopic(app, kind.name)}`, `    inbox     ${inboxTopic(app, kind.name)}`)
  }
  for (const { from, target } of flows) lines.push(`  flow ${steps(from)} → ${written(target)}`)
  if (kinds.length > 0) lines.push(`  timers and turns that wait ${timerTopic(app)}`)
  lines.push(`  dead letters ${deadLetterTopic(app)}`)
  return lines.join('\n')
}

/** `isTimed`: event time of some kind goes by it. */
function read(topic: TopicNode, isTimed: boolean): readonly string[] {
  const { onInvalid, timestamp, maxAheadMs } = topic
  const qualities = [...forms(topic), `invalid: ${onInvalid}`]
  if (timestamp !== undefined) qualities.push('event time: from its values')
  if (isTimed)
    qualities.push(`ahead of the clock: ${maxAheadMs === Infinity ? 'unlimited' : `at most ${maxAheadMs} ms`}`)
  return qualities
}

function written(topic: TopicNode): string {
  const qualities = [...forms(topic), ...(topic.clampsTime ? ['timestamps: clamp'] : [])]
  return `${topic.name} (${qualities.join('; ')})`
}

function forms({ codec, keys }: TopicNode): readonly string[] {
  return keys.format === 'text' ? [codec.format] : [codec.format, `keys: ${keys.format}`]
}

function qualities({ codec, version, window, ttlMs }: KindDefinition): readonly string[] {
  const qualities = [codec.format]
  if (version > 1) qualities.push(`version ${version}`)
  if (ttlMs !== undefined) qualities.push(`lives ${ttlMs} ms`)
  if (window !== undefined) qualities.push(windowText(window))
  return qualities
}

function windowText(window: WindowDefinition): string {
  const zone = window.kind !== 'session' && window.zone !== undefined ? ` in ${window.zone}` : ''
  const span = window.kind === 'session' ? `gap ${window.gapMs} ms` : `${window.sizeMs} ms every ${window.everyMs} ms`
  return `${window.kind} window, ${span}${zone}, grace ${window.graceMs} ms, late: ${window.late}`
}

function onErrorText({ attempts, forMs, then: last, quarantineMs }: ErrorPolicy): string {
  const then =
    quarantineMs === undefined || last !== 'dead-letter' ? last : `${last} and quarantine for ${quarantineMs} ms`
  if (attempts === 1 || forMs === 0) return then
  const tried = [
    ...(attempts === Infinity ? [] : [`${attempts} attempts`]),
    ...(forMs === Infinity ? [] : [`again for ${forMs} ms`]),
  ]
  return `${tried.join(' or ')}, then ${then}`
}

function steps(node: StreamNode): string {
  switch (node.kind) {
    case 'topic':
      return node.name
    case 'merge':
      return sourceNames(node).join(' + ')
    default:
      return `${steps(node.from)} → ${node.kind}`
  }
}
