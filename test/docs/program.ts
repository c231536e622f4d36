import { given } from './given.js'
import type { Page } from './pages.js'

/** Blocks of TypeScript of a page, and those that are marked as no whole statements (```ts fragment). */
export function blocksOf({ text }: Page): { readonly code: readonly string[]; readonly fragments: number } {
  return {
    code: [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code),
    fragments: [...text.matchAll(/^```ts fragment$/gm)].length,
  }
}

/**
 * The TypeScript of a page as one module: what its readers have before them from the text (`given`), then its blocks, in order. A
 * block that begins with a dot goes on with `kind`. One that gives a name a second time stands for itself and sees those before it.
 */
export function programOf(page: Page): string {
  const imports = new Imports()
  const names = new Set<string>()
  const parts: string[] = []
  for (const block of [given[page.path] ?? '', ...blocksOf(page).code]) {
    const code = imports.takenFrom(block).replace(/^\s*\./, 'kind$&')
    const own = namesIn(code)
    const isAgain = own.some((name) => names.has(name))
    parts.push(isAgain ? `{\n${code.replace(/^export /gm, '')}}` : code)
    if (!isAgain) for (const name of own) names.add(name)
  }
  return [imports.text, ...parts, 'export {}\n'].join('\n')
}

/** What a block declares at its top level. */
function namesIn(code: string): readonly string[] {
  const declared = /^(?:export )?(?:declare )?(?:await using|const|let|function|class|interface|type) (\w+|\{[^}]*\})/gm
  return [...code.matchAll(declared)].flatMap(([, name = '']) => name.match(/\w+(?=\s*[,}]|$)/g) ?? [])
}

/** The imports of all blocks, each name once. */
class Imports {
  readonly #names = new Map<string, Set<string>>()

  takenFrom(code: string): string {
    return code.replace(
      /^import (type )?\{([^}]*)\} from '([^']+)';?\n/gm,
      (_all, type = '', names: string, from: string) => {
        const known = this.#names.get(from) ?? new Set()
        this.#names.set(from, known)
        for (const name of names.split(',').map((each) => each.trim())) if (name) known.add(`${type}${name}`)
        return ''
      },
    )
  }

  get text(): string {
    return [...this.#names]
      .map(
        ([from, names]) => `import { ${[...names].filter((n) => !names.has(n.slice(5))).join(', ')} } from '${from}'`,
      )
      .join('\n')
  }
}
