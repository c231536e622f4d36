// node scripts/summary.mjs NAME=CODE[=RESULTS]…: ends a gate with one line, `N passed, N failed`. CODE is the exit code of a
// step, RESULTS what jest wrote about its tests. A step that failed and names no failed test counts as one failure.
import { readFileSync } from 'node:fs'

const noTests = { passed: 0, failed: 0, skipped: 0 }
const steps = process.argv.slice(2).map((step) => {
  const [name, code, file] = step.split('=')
  return { name, code, ...(file === undefined ? noTests : resultsOf(file)) }
})
const passed = steps.reduce((sum, step) => sum + step.passed, 0)
const failed = steps.reduce((sum, step) => sum + (step.failed || (step.code === '0' ? 0 : 1)), 0)
const skipped = steps.reduce((sum, step) => sum + step.skipped, 0)
for (const { name, code } of steps) if (code !== '0') console.log(`failed: ${name} ended with exit code ${code}`)
if (skipped > 0) console.log(`${skipped} skipped`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1

function resultsOf(file) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(file, 'utf8'))
    // A file that cannot even be loaded has no failed test; it counts as one.
    const unloadable = testResults.filter((suite) => suite.status === 'failed' && suite.assertionResults.length === 0)
    for (const suite of unloadable) console.log(`could not run: ${suite.name}`)
    return { passed: numPassedTests, failed: numFailedTests + unloadable.length, skipped: numPendingTests }
  } catch {
    console.log(`ended without results: ${file}`)
    return { passed: 0, failed: 1, skipped: 0 }
  }
}
