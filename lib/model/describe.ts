import { changelogTopic, deadLetterTopic, inboxTopic } from './names.js'
import type { Program } from './program.js'
import { sourceNames, type StreamNode } from './stream.js'

/** Every kind, topic and store name of an app, so that a rename in code is seen before it is a new, empty kind. */
export function describeProgram(app: string, { kinds, flows, sources }: Program): string {
  const lines = [
    `app ${app}`,
    ...sources.map(({ name, codec, onInvalid }) => `  reads ${name} (${codec.format}; invalid: ${onInvalid})`),
  ]
  for (const kind of kinds) {
    lines.push(`  state object ${kind.name} (${kind.codec.format})`)
    for (const { id, from, route } of kind.inputs)
      lines.push(`    on ${id}: ${steps(from)} → key → turn (route: ${route})`)
    for (const { target } of kind.publishes) lines.push(`    publishes ${target.name} (${target.codec.format})`)
    lines.push(`    changelog ${changelogTopic(app, kind.name)}`, `    inbox     ${inboxTopic(app, kind.name)}`)
  }
  for (const { from, target } of flows) lines.push(`  flow ${steps(from)} → ${target.name} (${target.codec.format})`)
  lines.push(`  dead letters ${deadLetterTopic(app)}`)
  return lines.join('\n')
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
