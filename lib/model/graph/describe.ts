import { durationText } from '../../core/duration.js'
import type { Graph, GraphErrorPolicy, GraphInput, GraphKind, GraphTopic, GraphWindow } from './graph.js'

/** Every kind, topic and store name of an app, so that a rename in code is seen before it is a new, empty kind. */
export function describeGraph({ app, nodes, edges, flows, timers, deadLetters }: Graph): string {
  const topics = nodes.filter((node) => node.type === 'topic')
  const byId = new Map(topics.map((topic) => [topic.id, topic]))
  const written = (id: GraphTopic['id']): string => writtenText(byId.get(id) as GraphTopic)
  const lines = [
    `app ${app}`,
    ...topics.flatMap((topic) => (topic.read === undefined ? [] : [`  reads ${topic.name} (${readText(topic)})`])),
    ...topics.flatMap((topic) => (topic.lookup ? [`  looks up ${topic.name} (${forms(topic).join('; ')})`] : [])),
  ]
  for (const kind of nodes) {
    if (kind.type !== 'kind') continue
    lines.push(`  state object ${kind.name} (${qualities(kind).join('; ')})`)
    lines.push(...kind.inputs.map((input) => `    on ${inputText(input)}`))
    for (const { name, time, backlog } of kind.timers)
      lines.push(`    timer ${name} (${time} time${backlog === 'fire' ? ', fires in a backlog' : ''})`)
    for (const name of kind.queries) lines.push(`    query ${name}`)
    const own = edges.filter(({ from }) => from === kind.id)
    for (const { type, to } of own) if (type === 'emits') lines.push(`    emits ${written(to)}`)
    for (const { type, to } of own) if (type === 'publishes') lines.push(`    publishes ${written(to)}`)
    lines.push(`    changelog ${kind.changelog}`, `    inbox     ${kind.inbox}`)
  }
  for (const { path, to } of flows) lines.push(`  flow ${path} → ${written(`topic:${to}`)}`)
  if (timers !== undefined) lines.push(`  timers and turns that wait ${timers}`)
  lines.push(`  dead letters ${deadLetters}`)
  return lines.join('\n')
}

function readText(topic: GraphTopic): string {
  const { onInvalid, eventTime, maxAheadMs } = topic.read as NonNullable<GraphTopic['read']>
  const qualities = [...forms(topic), `invalid: ${onInvalid}`]
  if (eventTime === 'value') qualities.push('event time: from its values')
  if (maxAheadMs !== undefined)
    qualities.push(
      `ahead of the clock: ${maxAheadMs === 'unlimited' ? maxAheadMs : `at most ${durationText(maxAheadMs)}`}`,
    )
  return qualities.join('; ')
}

function writtenText(topic: GraphTopic): string {
  return `${topic.name} (${[...forms(topic), ...(topic.clampsTime ? ['timestamps: clamp'] : [])].join('; ')})`
}

function forms({ format, keys }: GraphTopic): readonly string[] {
  return keys === 'text' ? [format] : [format, `keys: ${keys}`]
}

function qualities({ format, version, window, ttlMs }: GraphKind): readonly string[] {
  const qualities = [format]
  if (version > 1) qualities.push(`version ${version}`)
  if (ttlMs !== undefined) qualities.push(`lives ${durationText(ttlMs)}`)
  if (window !== undefined) qualities.push(windowText(window))
  return qualities
}

function inputText({ id, path, route, onError, breaker }: GraphInput): string {
  const pauses =
    breaker && `; pauses: after ${breaker.after} failing objects, tries every ${durationText(breaker.probeMs)}`
  return `${id}: ${path} → key → turn (route: ${route}; errors: ${onErrorText(onError)}${pauses ?? ''})`
}

function windowText(window: GraphWindow): string {
  const zone = window.kind !== 'session' && window.zone !== undefined ? ` in ${window.zone}` : ''
  const span =
    window.kind === 'session'
      ? `gap ${durationText(window.gapMs)}`
      : `${durationText(window.sizeMs)} every ${durationText(window.everyMs)}`
  return `${window.kind} window, ${span}${zone}, grace ${durationText(window.graceMs)}, late: ${window.late}`
}

function onErrorText({ attempts, forMs, then: last, quarantineMs }: GraphErrorPolicy): string {
  const then =
    quarantineMs === undefined || last !== 'dead-letter'
      ? last
      : `${last} and quarantine for ${durationText(quarantineMs)}`
  if (attempts === 1 || forMs === 0) return then
  const tried = [
    ...(attempts === 'unlimited' ? [] : [`${attempts} attempts`]),
    ...(forMs === 'unlimited' ? [] : [`again for ${durationText(forMs)}`]),
  ]
  return `${tried.join(' or ')}, then ${then}`
}
