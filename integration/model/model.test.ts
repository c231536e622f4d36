import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runs } from '../../test/runs.js'
import { holdingCases, mutations, nameOf } from './cases/cases.js'
import { explained, shortestTrace } from './report.js'
import { rules } from './rules/rules.js'
import { run } from './run/run.js'
import { search } from './run/search.js'
import { shrink } from './run/shrink.js'

const root = join(__dirname, '..', '..')
/** A search takes a second or two; the machine may have other things to do. */
const timeoutMs = 120_000
/** Of each case whose rules are all kept. Their sum is what bounds the time of this suite. */
const perCase = runs(300, 2_000)

const short = mutations.filter(({ long }) => !long)
const long = mutations.filter(({ long }) => long)

describe('with all rules kept', () => {
  it.each(holdingCases)(
    'nothing is lost, repeated, reordered or stale: $name',
    ({ config }) => {
      const found = search(config, perCase)
      if (found.violations.size > 0)
        throw new Error(`${[...found.violations.values()][0]}\n${shortestTrace(config, found)}`)
      expect(found.counts.takeovers).toBeGreaterThan(perCase)
      expect(found.counts.commits).toBeGreaterThan(perCase)
    },
    timeoutMs,
  )
})

describe('without a rule', () => {
  it.each(short.map((mutation) => [nameOf(mutation), mutation] as const))(
    'something breaks: %s',
    (_, { config, budget }) => {
      const { violations } = search(config, budget)
      if (violations.size === 0) throw new Error(`not caught in ${budget} runs:\n${explained(config)}`)
      expect(violations.size).toBe(1)
    },
    timeoutMs,
  )

  it(`leaves to \`npm run model\`, as too rare: ${long.map(nameOf).join('; ') || 'none'}`, () => {
    for (const mutation of long) expect(existingVariants()).toContain(nameOf(mutation))
  })

  it('every way to break a rule has a mutation, and the other way round', () => {
    expect([...new Set(mutations.map(nameOf))].sort()).toEqual([...existingVariants()].sort())
  })
})

describe('a rule', () => {
  const built = rules.filter((rule) => rule.planned !== true)

  it.each(built.map((rule) => [rule.name, rule.code] as const))('%s is named where it is implemented', (name, code) => {
    if (code === undefined) throw new Error(`rule ${name} says neither where it is implemented nor that it is planned`)
    expect(existsSync(join(root, code))).toBe(true)
    expect(readFileSync(join(root, code), 'utf8')).toContain(`Rule ${name} (integration/model)`)
  })

  it('that comments in lib/ name exists', () => {
    const named = new Set(rules.flatMap(({ code }) => (code === undefined ? [] : rulesNamedIn(code))))
    expect([...named].filter((name) => !rules.some((rule) => rule.name === name))).toEqual([])
  })
})

describe('a run', () => {
  const [{ config }] = short.filter((mutation) => nameOf(mutation) === 'stable-offsets: off') as [
    (typeof short)[number],
  ]
  const seed = [...search(config, 1_000).violations.keys()][0] as number

  it('is the same for the same seed', () => {
    expect(run(config, seed, { tracing: true }).trace).toEqual(run(config, seed, { tracing: true }).trace)
  })

  it.each(holdingCases)('can be replayed from its steps: $name', ({ config }) => {
    for (let seed = 1; seed <= 5; seed++) {
      const { steps, trace } = run(config, seed, { tracing: true })
      const replayed = run(config, seed, { script: steps, tracing: true })
      const quietAt = trace.indexOf('-- no more faults --')
      expect(replayed.trace.slice(0, quietAt)).toEqual(trace.slice(0, quietAt))
    }
  })

  it('that found a violation is shrunk to a script that still does', () => {
    const script = shrink(config, seed)
    expect(script?.length).toBeLessThan(40)
    expect(run(config, seed, { script: script ?? [] }).violation).toBeDefined()
  })
})

function existingVariants(): readonly string[] {
  return rules.flatMap(({ name, wrong }) => Object.keys(wrong).map((variant) => `${name}: ${variant}`))
}

function rulesNamedIn(file: string): readonly string[] {
  return [...readFileSync(join(root, file), 'utf8').matchAll(/Rules? ([a-z-]+) \(integration\/model\)/g)].map(
    (match) => match[1]!,
  )
}
