import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileFunction } from 'node:vm'
import { transformSync } from '@swc/core'

const page = readFileSync(join(__dirname, '..', 'docs', 'testing.md'), 'utf8')
const [program = '', ...blocks] = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block)
/** Under which heading each stands. */
const headings = [...page.matchAll(/^```ts\n/gm)].map(
  ({ index }) => /^#+ (.*)$(?![\s\S]*^#+ )/m.exec(page.slice(0, index))?.[1],
)

/** The page as one program, whose examples are functions. */
function examples(): readonly (() => Promise<void>)[] {
  const source = `${program}\nexport const examples = [${blocks.map((block) => `async () => {\n${block}}`).join(',\n')}]`
  const options = { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } } as const
  const exports = {} as { examples: readonly (() => Promise<void>)[] }
  compileFunction(transformSync(source, options).code, ['require', 'exports', 'expect', 'Date', 'RangeError'])(
    require,
    exports,
    expect,
    Date,
    RangeError,
  )
  return exports.examples
}

describe('the code in docs/testing.md', () => {
  it.each(examples().map((example, i) => [`${i + 1}, ${headings[i + 1]}`, example] as const))(
    'does what the page says: example %s',
    async (_name, example) => {
      await expect(example()).resolves.toBeUndefined()
    },
  )
})
