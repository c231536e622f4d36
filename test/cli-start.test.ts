import { posix } from 'node:path'
import { isTest, sourcesIn } from './sources.js'

/** What is read before the command that is called: files by `import … from`, not by `import(…)`, nor for their types alone. */
function readAtStart(
  from: string,
  sources: ReadonlyMap<string, string>,
  seen = new Set<string>(),
): ReadonlySet<string> {
  if (seen.has(from)) return seen
  seen.add(from)
  const imports = (sources.get(from) ?? '').matchAll(/^import (?!type )[^;]*?from '([^']+)'/gm)
  for (const [, specifier = ''] of imports) {
    if (!specifier.startsWith('.')) seen.add(specifier)
    else readAtStart(posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts'), sources, seen)
  }
  return seen
}

it('the command starts without Kafka, stores and the engine: millrace --help is there at once', () => {
  const sources = new Map([...sourcesIn('lib')].filter(([path]) => !isTest(path)))
  const read = [...readAtStart('lib/cli/main.ts', sources)]
  const heavy = /^lib\/(kafka|memory|store|runtime|turn|state|app|connect)\/|^(kafkajs|level|zod|avsc)$/
  expect(read).toContain('commander')
  expect(read.filter((file) => heavy.test(file))).toEqual([])
})
