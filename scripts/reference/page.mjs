// The reference as Markdown.
import { existsSync } from 'node:fs'
import { chapters, doors } from './chapters.mjs'
import { exportsOf } from './declarations.mjs'

const head = `# Reference

Everything that the package exports: each function, each option with its type and default, each type. This page is made from the sources by \`npm run docs\`; what is said here is what
your editor shows. To learn how things go together, begin with [start](start.md) and [concepts](concepts.md).

A \`Duration\` is a number of milliseconds or a text such as \`'100ms'\`, \`'5s'\`, \`'15m'\`, \`'24h'\`, \`'30d'\`. An option that there is not is refused by name (\`OPTIONS_INVALID\`).
`

export function reference() {
  const parts = [head]
  for (const [door, file] of Object.entries(doors).filter(([, file]) => existsSync(file))) {
    const left = new Map(exportsOf(file).map((each) => [each.name, each]))
    // What a door hands on from the front door is told there.
    if (door !== 'millrace')
      for (const { name, file: from } of exportsOf(doors.millrace)) if (left.get(name)?.file === from) left.delete(name)
    if (door === 'millrace') for (const chapter of chapters) parts.push(...chapterOf(chapter, left))
    if (left.size === 0) continue
    parts.push(`## ${door === 'millrace' ? 'More types' : `\`${door}\``}\n`)
    parts.push(...[...left.values()].map(entryOf))
  }
  return parts.join('\n')
}

function chapterOf({ title, about, names }, left) {
  const there = names.filter((name) => left.has(name))
  const entries = there.map((name) => entryOf(left.get(name)))
  for (const name of there) left.delete(name)
  return [`## ${title}\n`, `${about}\n`, ...entries]
}

function entryOf({ kind, name, doc, ...form }) {
  const said = doc.text === '' ? '' : `${doc.text}\n`
  return [`### ${name}\n`, said, ...bodyOf(kind, { name, ...form })].filter((part) => part !== '').join('\n')
}

function bodyOf(kind, { name, generics, signatures, members, heritage, type }) {
  if (kind === 'function') return [block(signatures)]
  if (kind === 'type') return [block([`type ${name}${generics} = ${type}`])]
  if (kind === 'value') return [block([type])]
  const shown = members.filter((member) => !member.name.startsWith('_'))
  const fields = shown.filter(({ isCall }) => !isCall).map(fieldOf)
  const calls = shown.filter(({ isCall }) => isCall)
  return [
    heritage === '' ? '' : `\`${heritage}\`\n`,
    fields.length === 0 ? '' : `${fields.join('\n')}\n`,
    ...calls.map((call) => `${block([call.type])}${call.doc.text === '' ? '' : `\n${call.doc.text}\n`}`),
  ]
}

const block = (lines) => `\`\`\`typescript\n${lines.join('\n')}\n\`\`\`\n`

function fieldOf({ name, optional, type, doc }) {
  const preset = doc.default === '' ? '' : `_Default: ${doc.default.replace(/[.:]$/, '')}._`
  const said = [doc.text, preset].filter((part) => part !== '').join(' ')
  return `- **\`${name}${optional ? '?' : ''}\`**${type === '' ? '' : ` \`${type}\``}${said === '' ? '' : `: ${said}`}`
}
