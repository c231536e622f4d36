// The model checker as a program:
//   npm run model -- [--runs 2000] [--only REGEX] [--shrink] [--short]   searches all cases; exit code 1 if one does not come out as expected
//   npm run model -- --case NAME --seed S [--trace]              one run, whole or shrunk
import { parseArgs } from 'node:util'
import { holdingCases, mutations, nameOf } from './cases/cases.js'
import { explained, fullTrace, line, shortestTrace } from './report.js'
import type { RunConfig } from './run/config.js'
import { search } from './run/search.js'

const { values: args } = parseArgs({
  options: {
    runs: { type: 'string', default: '2000' },
    only: { type: 'string', default: '.' },
    /** Also prints the shrunk trace of mutations that were caught. */
    shrink: { type: 'boolean', default: false },
    /** Leaves the long mutations out. */
    short: { type: 'boolean', default: false },
    case: { type: 'string' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})

/** So many violations of a mutation say well enough how rare they are. */
const enough = 8

const cases = [
  ...holdingCases.map(({ name, config }) => ({
    name,
    config,
    budget: Number(args.runs),
    mutation: false,
    long: false,
  })),
  ...mutations.map((mutation) => ({ ...mutation, name: nameOf(mutation), mutation: true })),
]

if (args.case !== undefined && args.seed !== undefined) showOne(args.case, Number(args.seed))
else searchAll(new RegExp(args.only))

function showOne(name: string, seed: number): void {
  const found = cases.find((other) => other.name === name)
  if (found === undefined)
    throw new Error(`no case is named '${name}'. There are:\n${cases.map((other) => other.name).join('\n')}`)
  const violations = new Map([[seed, '']])
  console.log(
    args.trace
      ? fullTrace(found.config, seed)
      : shortestTrace(found.config, { ...search(found.config, 0), violations }),
  )
}

function searchAll(only: RegExp): void {
  let unexpected = 0
  for (const { name, config, budget, mutation, long } of cases) {
    if (!only.test(name) || (long && args.short)) continue
    if (!searchOne(name, config, budget, mutation)) unexpected++
  }
  console.log(unexpected === 0 ? 'all as expected' : `${unexpected} cases did not come out as expected`)
  process.exitCode = unexpected === 0 ? 0 : 1
}

/** Whether it came out as expected. */
function searchOne(name: string, config: RunConfig, runs: number, mutation: boolean): boolean {
  const startedAt = performance.now()
  const found = search(config, runs, mutation ? enough : 1)
  const expected = mutation === found.violations.size > 0
  const what = mutation ? (expected ? 'caught    ' : 'NOT CAUGHT') : expected ? 'holds     ' : 'VIOLATED  '
  console.log(`${what} | ${line(name, found, performance.now() - startedAt)}`)
  if (mutation && !expected) console.log(explained(config))
  if (found.violations.size > 0 && (!mutation || args.shrink)) {
    if (mutation) console.log(explained(config))
    console.log(shortestTrace(config, found))
  }
  return expected
}
