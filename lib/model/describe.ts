import type { ErrorPolicy, KindDefinition } from './kind.js'
import { changelogTopic, deadLetterTopic, inboxTopic, timerTopic } from './names.js'
import type { Program } from './program.js'
import { sourceNames, type StreamNode } from './stream.js'
import type { WindowDefinition } from './window.js'

/** Every kind, topic and store name of an app, so that a rename in code is seen before it is a new, empty kind. */
export function describeProgram(app: string, { kinds, flows, sources, lookups }: Program): string {
  const lines = [
    `app ${app}`,
    ...sources.map(({ name, codec, onInvalid }) => `  reads ${name} (${codec.format}; invalid: ${onInvalid})`),
    ...lookups.map(({ name, codec }) => `  looks up ${name} (${codec.format})`),
  ]
  for (const kind of kinds) {
    lines.push(`  state object ${kind.name} (${qualities(kind).join('; ')})`)
    for (const { id, from, route, onError } of kind.inputs)
      lines.push(`    on ${id}: ${steps(from)} → key → turn (route: ${route}; errors: ${onErrorText(onError)})`)
    for (const { name, time } of kind.timers.values()) lines.push(`    timer ${name} (${time} time)`)
    for (const name of kind.queries.keys()) lines.push(`    query ${name}`)
    for (const { target } of kind.publishes) lines.push(`    publishes ${target.name} (${target.codec.format})`)
    lines.push(`    changelog ${changelogTopic(app, kind.name)}`, `    inbox     ${inboxTopic(app, kind.name)}`)
  }
  for (const { from, target } of flows) lines.push(`  flow ${steps(from)} → ${target.name} (${target.codec.format})`)
  if (kinds.length > 0) lines.push(`  timers and turns that wait ${timerTopic(app)}`)
  lines.push(`  dead letters ${deadLetterTopic(app)}`)
  return lines.join('\n')
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

function onErrorText({ attempts, then }: ErrorPolicy): string {
  return attempts === 1 ? then : `${attempts} attempts, then ${then}`
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
