// npm run bench -- NAME [arguments of the bench]: compiles and runs bench/NAME.ts; its result is all that goes to stdout
import { namesIn, runProgram } from './run-program.mjs'

const names = namesIn('bench', /\.ts$/).map((file) => file.slice(0, -'.ts'.length))

await runProgram({
  usage: 'usage: npm run bench -- NAME [arguments]',
  names,
  find: (wanted) => (names.includes(wanted) ? `bench/${wanted}` : undefined),
})
