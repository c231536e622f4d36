// Which test files there are of a kind, as paths from the package on.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Those with a broker that `npm test` runs: the contract of a log, the first examples, and processes that are killed. */
export const quickKafkaSuites = ['log-contract', 'first-examples', 'two-instances'].map(
  (name) => `integration/${name}.test.ts`,
)

/** The test files that ask for a broker by importing `setup/with-kafka`. */
export const suitesWithKafka = () => suitesWith('integration', 'setup/with-kafka')

/** Those whose property tests make more runs in `npm run test:long`. */
export const propertySuites = () => [
  ...suitesWith('lib', 'test/runs.js'),
  ...suitesWith('test', '/runs.js'),
  ...suitesWith('integration/model', 'test/runs.js'),
]

function suitesWith(folder, text) {
  return readdirSync(join(root, folder), { recursive: true })
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith('.test.ts') && readFileSync(join(root, file), 'utf8').includes(text))
    .sort()
}
