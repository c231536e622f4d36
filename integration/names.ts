const run = `${process.pid}-${process.hrtime.bigint().toString(36)}`
let names = 0

/** A name nobody has used, on a broker that outlives the run. */
export function nextName(prefix: string): string {
  return `${prefix}-${run}-${++names}`
}
