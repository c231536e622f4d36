/**
 * How many runs a property test makes: `few` in `npm test`, `many` in `npm run test:long`, and by hand what MILLRACE_RUNS
 * says.
 */
export function runs(few: number, many: number): number {
  const { MILLRACE_RUNS: wanted, MILLRACE_LONG: long } = process.env
  return wanted === undefined ? (long === 'true' ? many : few) : Number(wanted)
}
