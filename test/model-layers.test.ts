import { dirname, posix } from 'node:path'
import { cycleIn, fileOf, isTest, sourcesIn, specifiersOf, type Sources } from './sources.js'

const folder = 'integration/model'

/** From the ground up: a file knows its own layer and those before it. A layer is a folder, or one file. */
const layers: readonly string[] = [
  'rng',
  'state',
  'rules',
  'checks',
  'moves/broker',
  'moves/process',
  'moves',
  'run',
  'cases',
  'report',
  'main',
]

const model = new Map([...sourcesIn(folder)].filter(([path]) => !isTest(path)))

describe('the files of the model', () => {
  it('are all in a layer, and every layer has some', () => {
    expect([...new Set([...model.keys()].map(layerOf))].sort()).toEqual([...layers].sort())
  })

  it('import only from their own layer and those below', () => {
    expect(upwardImports(model)).toEqual([])
  })

  it('have no import cycle, type imports included', () => {
    expect(cycleIn(model)).toBeUndefined()
  })

  it("import only what exists, nothing from outside the model, and no modules but Node's", () => {
    const outside = [...model].flatMap(([path, source]) =>
      specifiersOf(source)
        .filter((specifier) => !specifier.startsWith('node:') && !model.has(fileOf(path, specifier) ?? ''))
        .map((specifier) => `${path} imports ${specifier}`),
    )
    expect(outside).toEqual([])
  })
})

describe('this check', () => {
  const sources = (path: string, specifier: string): Sources =>
    new Map([[`${folder}/${path}`, `import type { A } from '${specifier}'`]])

  it.each([
    ['state/log.ts', '../rules/world.js'],
    ['rules/rules.ts', '../moves/actions.js'],
    ['moves/broker/group.ts', '../process/commit.js'],
    ['moves/process/commit.ts', '../actions.js'],
    ['run/run.ts', '../report.js'],
    ['utils/a.ts', '../rng.js'],
    ['rng.ts', './utils/a.js'],
  ])('sees that %s may not import %s', (path, specifier) => {
    expect(upwardImports(sources(path, specifier))).toEqual([`${folder}/${path} imports ${specifier}`])
  })

  it.each([
    ['state/log.ts', './objects.js'],
    ['rules/world.ts', '../state/state.js'],
    ['moves/process/commit.ts', '../broker/log.js'],
    ['moves/actions.ts', './process/commit.js'],
  ])('lets %s import %s', (path, specifier) => {
    expect(upwardImports(sources(path, specifier))).toEqual([])
  })
})

function upwardImports(files: Sources): string[] {
  return [...files].flatMap(([path, source]) =>
    specifiersOf(source)
      .filter((specifier) => {
        const target = fileOf(path, specifier)
        return target !== undefined && !mayImport(layerOf(path), layerOf(target))
      })
      .map((specifier) => `${path} imports ${specifier}`),
  )
}

function mayImport(layer: string, other: string): boolean {
  const [from, to] = [layers.indexOf(layer), layers.indexOf(other)]
  return to !== -1 && to <= from
}

/** `moves/faults.ts` is in the layer `moves`, `rng.ts` is the layer `rng`. */
function layerOf(path: string): string {
  const inModel = posix.relative(folder, path)
  const inside = dirname(inModel)
  return inside === '.' ? inModel.replace(/\.ts$/, '') : inside
}
