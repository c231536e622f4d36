import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = join(dirname(fileURLToPath(import.meta.url)), '..')

/** The test files that ask for a broker by importing `setup/with-kafka`. */
export function suitesWithKafka() {
  return readdirSync(folder, { recursive: true })
    .filter(
      (file) => file.endsWith('.test.ts') && readFileSync(join(folder, file), 'utf8').includes('setup/with-kafka'),
    )
    .map((file) => join('integration', file))
    .sort()
}
