// node scripts/summary.mjs RESULTS [FAILED-CHECK…]: ends a gate with one line, `N passed, N failed`, from jest's own results.
import { readFileSync } from 'node:fs'

const [file, ...failedChecks] = process.argv.slice(2)

function resultsOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    console.log('the tests ended without a result')
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, testResults: [] }
  }
}

const { numPassedTests, numFailedTests, numPendingTests, testResults } = resultsOf(file)
// A file that cannot even be loaded has no failed test; it counts as one.
const unloadable = testResults.filter((suite) => suite.status === 'failed' && suite.assertionResults.length === 0)
const failed = numFailedTests + unloadable.length + failedChecks.length
for (const check of failedChecks) console.log(`failed check: ${check}`)
for (const suite of unloadable) console.log(`could not run: ${suite.name}`)
if (numPendingTests > 0) console.log(`${numPendingTests} skipped`)
console.log(`${numPassedTests} passed, ${failed} failed`)
process.exitCode = failed === 0 && numPassedTests > 0 ? 0 : 1
