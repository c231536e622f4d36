// What the doors of the package export, as it stands in the sources: text and documentation, without checking types.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript-5.4'

/** The exports of a door: by name, `{ kind, name, doc, … }` in the order of the file. */
export function exportsOf(door) {
  return sourceOf(door)
    .statements.filter(ts.isExportDeclaration)
    .flatMap(({ exportClause, moduleSpecifier }) => {
      const file = join(dirname(door), moduleSpecifier.text.replace(/\.js$/, '.ts'))
      return exportClause.elements.map((element) => {
        const name = element.name.text
        return { ...declarationOf(file, element.propertyName?.text ?? name), name }
      })
    })
}

const sources = new Map()

function sourceOf(file) {
  if (!sources.has(file))
    sources.set(file, ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true))
  return sources.get(file)
}

function declarationOf(file, name) {
  const source = sourceOf(file)
  const found = source.statements.filter((node) => namesOf(node).includes(name))
  // A file may hand on what another declares.
  if (found.length === 0) return declarationOf(handedOn(file, source, name), name)
  // Of overloads the last one is the implementation, which callers do not see.
  const node = found[0]
  const shown = found.length > 1 && ts.isFunctionDeclaration(node) ? found.filter(({ body }) => !body) : found
  return { ...formOf(node, shown), doc: docOf(node), file }
}

function handedOn(file, source, name) {
  const from = source.statements.find(
    (node) =>
      (ts.isExportDeclaration(node) || ts.isImportDeclaration(node)) &&
      [...(node.exportClause?.elements ?? node.importClause?.namedBindings?.elements ?? [])].some(
        (element) => element.name.text === name,
      ) &&
      node.moduleSpecifier,
  )
  if (from === undefined) throw new Error(`${file} does not declare ${name}`)
  return join(dirname(file), from.moduleSpecifier.text.replace(/\.js$/, '.ts'))
}

function namesOf(node) {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.getText())
  return node.name === undefined ? [] : [node.name.text]
}

function formOf(node, shown) {
  if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node))
    return {
      kind: ts.isClassDeclaration(node) ? 'class' : 'interface',
      generics: typeParameters(node),
      heritage: (node.heritageClauses ?? []).map(oneLine).join(' '),
      members: node.members.filter(isPublic).map(memberOf),
    }
  if (ts.isFunctionDeclaration(node)) return { kind: 'function', signatures: shown.map(signatureOf) }
  if (ts.isTypeAliasDeclaration(node)) return { kind: 'type', generics: typeParameters(node), type: tidy(node.type) }
  return { kind: 'value', type: tidy(node) }
}

const typeParameters = (node) =>
  node.typeParameters === undefined ? '' : `<${node.typeParameters.map((each) => oneLine(each)).join(', ')}>`

function isPublic(member) {
  const hidden = [ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword]
  return !member.modifiers?.some(({ kind }) => hidden.includes(kind)) && !member.name?.getText().startsWith('#')
}

function memberOf(member) {
  const name = member.name?.getText() ?? (ts.isConstructorDeclaration(member) ? 'constructor' : '')
  const isCall = member.parameters !== undefined
  const optional = member.questionToken !== undefined
  const type = isCall ? signatureOf(member) : member.type === undefined ? '' : oneLine(member.type)
  return { name, optional, isCall, type, doc: docOf(member) }
}

/** A declaration without its body, as it is called. */
function signatureOf(node) {
  const start = (node.modifiers?.end ?? node.getStart()) - node.getStart()
  const text =
    node.body === undefined ? node.getText() : node.getText().slice(0, node.body.getStart() - node.getStart())
  return spaced(uncommented(text.slice(start)))
    .replace(/;$/, '')
    .trim()
}

const oneLine = (node) => spaced(uncommented(node.getText()))
const spaced = (text) =>
  text
    .replace(/\s+/g, ' ')
    .replace(/([([]|\w<) /g, '$1')
    .replace(/,? ([)\]])/g, '$1')
    .replace(/, >/g, '>')
const uncommented = (text) => text.replace(/\/\*\*.*?\*\//gs, '').replace(/\/\/.*$/gm, '')
const tidy = (node) => uncommented(node.getText()).trim()

/** Examples stay as they are; of all else a line break is a space. */
const paragraphs = (text) =>
  text
    .split(/^(```[^]*?^```)$/m)
    .map((part) => (part.startsWith('```') ? part.replace(/^```ts\n/, '```typescript\n') : prose(part)))
    .filter((part) => part !== '')
    .join('\n\n')
const prose = (text) =>
  text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/`?docs\/([\w-]+)\.md`?/g, '[$1]($1.md)')

/** `{ text, default }` of the comment before a declaration. */
function docOf(node) {
  const [comment] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).slice(-1)
  if (comment === undefined) return { text: '', default: '' }
  const said = (part) => paragraphs(ts.getTextOfJSDocComment(part) ?? '')
  const tag = comment.tags?.find(({ tagName }) => tagName.text === 'default')
  return { text: said(comment.comment), default: tag === undefined ? '' : said(tag.comment) }
}
