// npm run example -- 01 [arguments of the example]: compiles and runs examples/01-*/main.ts
import { namesIn, runProgram } from './run-program.mjs'

const names = namesIn('examples', /^\d\d-/)

await runProgram({
  usage: 'usage: npm run example -- NUMBER [--brokers HOST:PORT]',
  names,
  find(wanted) {
    const name = names.find((candidate) => candidate === wanted || candidate.startsWith(`${wanted.padStart(2, '0')}-`))
    return name === undefined ? undefined : `examples/${name}/main`
  },
})
