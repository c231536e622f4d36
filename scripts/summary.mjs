// node scripts/summary.mjs NAME=CODE[=RESULTS]…: ends a gate with one line, `N passed, N failed`. CODE is the exit code of a
// step, RESULTS what jest wrote about its tests. A step that failed and names no failed test counts as one failure.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const longestMessage = 1_500
const noTests = { passed: 0, failed: 0, skipped: 0, failures: [] }
const steps = process.argv.slice(2).map((step) => {
  const [name, code, file] = step.split('=')
  return { name, code, ...(file === undefined ? noTests : resultsOf(file)) }
})
const passed = steps.reduce((sum, step) => sum + step.passed, 0)
const failed = steps.reduce((sum, step) => sum + (step.failed || (step.code === '0' ? 0 : 1)), 0)
const skipped = steps.reduce((sum, step) => sum + step.skipped, 0)
// Once more and shortly, since only the end of a long output is always kept.
for (const { title, message } of steps.flatMap(({ failures }) => failures))
  console.log(`failed: ${title}\n${message}\n`)
for (const { name, code } of steps) if (code !== '0') console.log(`failed: ${name} ended with exit code ${code}`)
if (skipped > 0) console.log(`${skipped} skipped`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1

function resultsOf(file) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(file, 'utf8'))
    // A file that cannot even be loaded has no failed test; it counts as one.
    const unloadable = testResults.filter((suite) => suite.status === 'failed' && suite.assertionResults.length === 0)
    const failures = [
      ...unloadable.map(({ name, message }) => ({ title: titleOf(name), message: shortened(message) })),
      ...testResults.flatMap(({ name, assertionResults }) =>
        assertionResults
          .filter(({ status }) => status === 'failed')
          .map(({ fullName, failureMessages }) => ({
            title: `${titleOf(name)}: ${fullName}`,
            message: shortened(failureMessages.join('\n')),
          })),
      ),
    ]
    return { passed: numPassedTests, failed: numFailedTests + unloadable.length, skipped: numPendingTests, failures }
  } catch {
    console.log(`ended without results: ${file}`)
    return { passed: 0, failed: 1, skipped: 0, failures: [] }
  }
}

function titleOf(file) {
  return relative(process.cwd(), file)
}

/** Its beginning and its end: what was expected, and where. */
function shortened(message) {
  const text = stripVTControlCharacters(message)
  return text.length <= longestMessage
    ? text
    : `${text.slice(0, longestMessage * 0.7)}\n[…]\n${text.slice(-longestMessage * 0.3)}`
}
