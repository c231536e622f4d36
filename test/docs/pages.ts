import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

export const root = join(__dirname, '..', '..')

/** A page of the documentation, with its path from the package on. */
export interface Page {
  readonly path: string
  readonly text: string
}

/** The pages that users read: those at the top, `docs`, and the text beside examples. */
export const pages: readonly Page[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...under('docs'),
  ...under('examples'),
].map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

function under(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => (file.endsWith('.md') || file.endsWith('llms.txt')) && !file.includes('node_modules'))
    .map((file) =>
      relative(root, join(root, folder, file))
        .split(sep)
        .join('/'),
    )
    .sort()
}

/** What is read as text, without what stands in blocks and spans of code. */
export function prose(text: string): string {
  return text.replace(/^(```+).*?^\1$/gms, '').replace(/(`+)(?!`).*?[^`]\1(?!`)/g, '')
}
