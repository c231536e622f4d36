import { posix } from 'node:path'
import { codeLines, cycleIn, fileOf, isTest, sourcesIn, specifiersOf, type Sources } from './sources.js'

const belowApp = [
  'core',
  'codec',
  'log',
  'kafka',
  'memory',
  'store',
  'model',
  'connect',
  'state',
  'turn',
  'runtime',
  'http',
  'query',
  'watch',
]

/** Who may import whom. `index` is the front door, `testing` the second one. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  core: [],
  codec: ['core'],
  log: ['core'],
  kafka: ['core', 'log'],
  memory: ['core', 'log'],
  store: ['core'],
  model: ['core', 'codec'],
  connect: ['core', 'codec', 'log', 'model'],
  tcp: ['core', 'connect'],
  singer: ['core', 'connect'],
  rabbitmq: ['core', 'connect'],
  state: ['core', 'codec', 'store', 'log'],
  turn: ['core', 'codec', 'log', 'model', 'state'],
  runtime: ['core', 'codec', 'log', 'store', 'model', 'state', 'turn'],
  http: ['core'],
  query: ['core', 'codec', 'log', 'store', 'model', 'state', 'turn', 'runtime', 'http'],
  watch: ['core', 'codec', 'log', 'model', 'connect', 'state', 'turn', 'runtime', 'http', 'query'],
  app: belowApp,
  opentelemetry: ['core', 'log', 'model', 'turn', 'runtime', 'watch', 'app'],
  cli: [...belowApp, 'app'],
  testing: ['core', 'codec', 'log', 'memory', 'store', 'model', 'state', 'turn', 'runtime', 'query', 'app'],
  index: [...belowApp, 'app'],
}

/**
 * Within a room: which of its inner rooms may import which, `.` being the files that lie in the room itself. A row names only
 * rows above it.
 */
const innerRooms: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  core: { '.': [], telemetry: ['.'] },
  codec: { '.': [], json: ['.'], avro: ['.'], connect: ['.', 'json', 'avro'], registry: ['.', 'avro'] },
  log: {
    format: [],
    compression: ['format'],
    '.': ['format', 'compression'],
    joining: ['.'],
    client: ['format', 'compression', '.'],
  },
  kafka: {
    wire: [],
    protocol: ['wire'],
    connection: ['wire', 'protocol'],
    group: ['wire', 'protocol', 'connection'],
    producing: ['protocol', 'connection'],
    reading: ['protocol', 'connection'],
    admin: ['protocol', 'connection', 'group', 'producing'],
    '.': ['connection', 'group', 'producing', 'reading', 'admin'],
  },
  memory: { storage: [], broker: ['storage'], '.': ['storage', 'broker'] },
  store: { '.': [], files: [], level: ['.', 'files'], memory: ['.'] },
  turn: {
    windows: [],
    inputs: [],
    kept: ['windows', 'inputs'],
    output: ['kept'],
    due: ['inputs', 'kept'],
    running: ['inputs', 'windows', 'kept', 'output', 'due'],
    failing: ['kept', 'output', 'due', 'running'],
    '.': ['windows', 'kept', 'output', 'due', 'running', 'failing'],
  },
  runtime: {
    watch: [],
    setup: ['watch'],
    tasks: ['setup'],
    membership: ['setup'],
    lookups: ['setup'],
    path: ['watch', 'tasks'],
    commit: ['setup', 'tasks', 'path'],
    '.': ['watch', 'setup', 'tasks', 'membership', 'lookups', 'path', 'commit'],
  },
  model: { '.': [], graph: ['.'] },
  connect: { '.': [], sources: ['.'], sinks: ['.'], running: ['.', 'sources', 'sinks'] },
  singer: {
    messages: [],
    child: ['messages'],
    taps: ['messages', 'child'],
    targets: ['messages', 'child'],
    '.': ['messages', 'child', 'taps', 'targets'],
  },
  tcp: { frames: [], '.': ['frames'] },
  http: { '.': [], serving: ['.'], node: ['.', 'serving'] },
  query: { local: [], peers: ['local'], watch: ['local'], '.': ['local', 'peers', 'watch'] },
  watch: {
    readings: [],
    metrics: ['readings'],
    overview: ['readings'],
    objects: ['overview'],
    page: [],
    '.': ['readings', 'metrics', 'overview', 'objects', 'page'],
  },
  app: { replaying: [], life: [], '.': ['life', 'replaying'] },
  cli: {
    frame: [],
    completions: [],
    running: ['frame'],
    starter: ['frame'],
    topics: ['frame'],
    lag: ['frame'],
    describe: ['frame', 'topics'],
    resetting: ['frame'],
    stored: ['frame'],
    letters: ['frame', 'stored'],
    verifying: ['frame', 'stored'],
    commands: [
      'frame',
      'running',
      'completions',
      'starter',
      'topics',
      'lag',
      'describe',
      'resetting',
      'stored',
      'letters',
      'verifying',
    ],
    '.': ['frame', 'commands'],
  },
}

/** Packages, and the only rooms that know them. Node's own modules are free. */
const owners: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ['kafka'],
  level: ['store'],
  avsc: ['codec'],
  zod: ['codec'],
  amqplib: ['rabbitmq'],
  commander: ['cli'],
  '@opentelemetry/api': ['opentelemetry'],
  snappy: ['log'],
  'lz4-napi': ['log'],
  '@bokuweb/zstd-wasm': ['log'],
}

const maxCodeLines = 400
/** Side by side, inner rooms not counted: with more, nobody sees at a glance what a room is for. */
const maxFiles = 15

const lib = sourcesIn('lib')
const shipped = new Map([...lib].filter(([path]) => !isTest(path)))

describe('the rooms of lib/', () => {
  it('import only what the table allows', () => {
    expect(misplacedImports(shipped)).toEqual([])
  })

  it('have inner rooms that import only what their table allows', () => {
    expect(misplacedInnerImports(shipped)).toEqual([])
  })

  it('have inner rooms whose arrows go one way: a row names only rows above it', () => {
    const upwards = Object.entries(innerRooms).flatMap(([room, rows]) => {
      const above = Object.keys(rows)
      return Object.entries(rows).flatMap(([inner, others]) =>
        others
          .filter((other) => !above.slice(0, above.indexOf(inner)).includes(other))
          .map((other) => `${room}: ${inner} names ${other}`),
      )
    })
    expect(upwards).toEqual([])
  })

  it(`have at most ${maxFiles} files side by side, tests not counted`, () => {
    expect(crowdedRooms(shipped)).toEqual([])
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

  it('see an import between inner rooms outside its row, and an inner room that is not in the table', () => {
    const sources = new Map([
      ['lib/kafka/protocol/a.ts', `import { b } from '../wire/b.js'\nimport { d } from '../kafka-log.js'`],
      ['lib/kafka/wire/b.ts', `import { a } from '../protocol/a.js'\nimport { c } from './c.js'`],
      ['lib/kafka/utils/c.ts', `import { b } from '../wire/b.js'`],
      ['lib/core/utils/d.ts', `import { e } from '../e.js'`],
    ])
    expect(misplacedInnerImports(sources)).toEqual([
      'lib/kafka/protocol/a.ts imports ../kafka-log.js',
      'lib/kafka/wire/b.ts imports ../protocol/a.js',
      'lib/kafka/utils/c.ts imports ../wire/b.js',
      'lib/core/utils/d.ts imports ../e.js',
    ])
  })

  it('see a room with one file too many', () => {
    const paths = Array.from({ length: maxFiles }, (_, i) => `lib/core/inner/${i}.ts`)
    const fileSet = (more: readonly string[]): Sources => new Map([...paths, ...more].map((path) => [path, '']))
    expect(crowdedRooms(fileSet(['lib/core/a.ts']))).toEqual([])
    expect(crowdedRooms(fileSet(['lib/core/inner/a.ts']))).toEqual(['lib/core/inner'])
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

function misplacedInnerImports(sources: Sources): string[] {
  return importsOf(sources)
    .filter(({ path, target }) => target !== undefined && !mayImportInside(path, target))
    .map(({ path, specifier }) => `${path} imports ${specifier}`)
}

function crowdedRooms(sources: Sources): string[] {
  const counts = new Map<string, number>()
  for (const path of sources.keys()) counts.set(posix.dirname(path), (counts.get(posix.dirname(path)) ?? 0) + 1)
  return [...counts].filter(([, count]) => count > maxFiles).map(([folder]) => folder)
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

function mayImportInside(path: string, target: string): boolean {
  const [inner, other] = [innerRoomOf(path), innerRoomOf(target)]
  if (roomOf(path) !== roomOf(target) || inner === other) return true
  return innerRooms[roomOf(path)]?.[inner]?.includes(other) ?? false
}

/** `lib/kafka/wire/a.ts` is in the inner room `wire`, `lib/kafka/a.ts` in `.`. */
function innerRoomOf(path: string): string {
  return posix.relative(`lib/${roomOf(path)}`, posix.dirname(path)) || '.'
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
