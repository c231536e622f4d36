import { codeLines, cycleIn, fileOf, isTest, sourcesIn, specifiersOf, type Sources } from './sources.js'

/** Who may import whom. `index` is the front door, `testing` the second one. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  core: [],
  codec: ['core'],
  log: ['core'],
  kafka: ['core', 'log'],
  memory: ['core', 'log'],
  store: ['core'],
  model: ['core', 'codec'],
  state: ['core', 'codec', 'store', 'log'],
  turn: ['core', 'codec', 'log', 'model', 'state'],
  runtime: ['core', 'codec', 'log', 'store', 'model', 'state', 'turn'],
  app: ['core', 'codec', 'log', 'kafka', 'memory', 'store', 'model', 'state', 'turn', 'runtime'],
  testing: ['core', 'codec', 'log', 'memory', 'store', 'model', 'state', 'turn', 'runtime', 'app'],
  index: ['core', 'codec', 'log', 'kafka', 'memory', 'store', 'model', 'state', 'turn', 'runtime', 'app'],
}

/** Packages, and the only rooms that know them. Node's own modules are free. */
const owners: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ['kafka'],
  level: ['store'],
  avsc: ['codec'],
  zod: ['app', 'codec', 'kafka', 'model'],
  snappy: ['log'],
  'lz4-napi': ['log'],
  '@bokuweb/zstd-wasm': ['log'],
}

const maxCodeLines = 400

const lib = sourcesIn('lib')
const shipped = new Map([...lib].filter(([path]) => !isTest(path)))

describe('the rooms of lib/', () => {
  it('import only what the table allows', () => {
    expect(misplacedImports(shipped)).toEqual([])
  })

  it('leave each package to its owner', () => {
    expect(misplacedPackages(shipped)).toEqual([])
  })

  it('have no import cycle, type imports included', () => {
    expect(cycleIn(shipped)).toBeUndefined()
  })

  it(`have no file of more than ${maxCodeLines} code lines`, () => {
    const long = [...lib].filter(([, source]) => codeLines(source) > maxCodeLines).map(([path]) => path)
    expect(long).toEqual([])
  })

  it('do not import tests or contract suites, which are not in the package', () => {
    const wrong = importsOf(shipped).filter(({ target }) => target !== undefined && isTest(target))
    expect(wrong).toEqual([])
  })

  it('import only files that exist', () => {
    const lost = importsOf(shipped).filter(({ target }) => target !== undefined && !shipped.has(target))
    expect(lost).toEqual([])
  })
})

describe('examples and benches', () => {
  it('know the package by its name only', () => {
    const reaching = importsOf(sourcesIn('examples', 'bench')).filter(({ target }) => target?.startsWith('lib/'))
    expect(reaching).toEqual([])
  })
})

describe('these rules', () => {
  it('see an import outside its row, in every form', () => {
    const forms = [
      `import { a } from '../store/a.js'`,
      `import type { A } from '../store/a.js'`,
      `export {\n  a,\n} from '../store/a.js'`,
      `import '../store/a.js'`,
      `const a = await import('../store/a.js')`,
      `let a: import('../store/a.js').A`,
    ]
    for (const form of forms) {
      expect(misplacedImports(new Map([['lib/codec/b.ts', form]]))).toEqual(['lib/codec/b.ts imports ../store/a.js'])
    }
  })

  it('see a room that is not in the table', () => {
    const sources = new Map([['lib/utils/a.ts', `import { b } from '../core/b.js'`]])
    expect(misplacedImports(sources)).toEqual(['lib/utils/a.ts imports ../core/b.js'])
  })

  it('see a package outside its owner, and one nobody owns', () => {
    const sources = new Map([
      ['lib/core/a.ts', `import { Level } from 'level'\nimport { readFile } from 'node:fs/promises'`],
      ['lib/store/b.ts', `import { Level } from 'level'\nimport _ from 'lodash/fp'`],
    ])
    expect(misplacedPackages(sources)).toEqual(['lib/core/a.ts imports level', 'lib/store/b.ts imports lodash/fp'])
  })

  it('see a cycle of type imports, and no cycle in a diamond', () => {
    const a = `import type { B } from './b.js'\nimport { d } from './d.js'`
    const cycle = new Map([
      ['lib/core/a.ts', a],
      ['lib/core/b.ts', `import { d } from './d.js'`],
      ['lib/core/d.ts', `import type { A } from './a.js'`],
    ])
    expect(cycleIn(cycle)).toEqual(['lib/core/a.ts', 'lib/core/b.ts', 'lib/core/d.ts', 'lib/core/a.ts'])
    expect(cycleIn(new Map([...cycle, ['lib/core/d.ts', '']]))).toBeUndefined()
  })

  it('do not count comments and empty lines as code, nor examples in comments as imports', () => {
    const source = `/**\n * import { a } from '../store/a.js'\n */\n\n// no\nexport const a = 1\n`
    expect(codeLines(source)).toBe(1)
    expect(specifiersOf(source)).toEqual([])
  })
})

function importsOf(sources: Sources): { path: string; specifier: string; target: string | undefined }[] {
  return [...sources].flatMap(([path, source]) =>
    specifiersOf(source).map((specifier) => ({ path, specifier, target: fileOf(path, specifier) })),
  )
}

function misplacedImports(sources: Sources): string[] {
  return importsOf(sources)
    .filter(({ path, target }) => target !== undefined && !mayImport(roomOf(path), roomOf(target)))
    .map(({ path, specifier }) => `${path} imports ${specifier}`)
}

function misplacedPackages(sources: Sources): string[] {
  return importsOf(sources)
    .filter(({ specifier, target }) => target === undefined && !specifier.startsWith('node:'))
    .filter(({ path, specifier }) => !(owners[packageOf(specifier)] ?? []).includes(roomOf(path)))
    .map(({ path, specifier }) => `${path} imports ${specifier}`)
}

function mayImport(room: string, other: string): boolean {
  return rooms[room] !== undefined && (room === other || rooms[room].includes(other))
}

/** `lib/store/a.ts` is in the room `store`, `lib/index.ts` is the room `index`. */
function roomOf(path: string): string {
  return path.split('/')[1]?.replace(/\.ts$/, '') ?? ''
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
