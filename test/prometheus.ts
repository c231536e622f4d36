/** A metric as text says it: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export interface Told {
  readonly type: string
  readonly help: string
  /** By what stands before the value. */
  readonly series: ReadonlyMap<string, number>
}

const sampleForm = /^([a-z][a-z0-9_]*)\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)$/

/** Strictly: throws where Prometheus would refuse it, and at values that no metric of ours may have. */
export function parsed(text: string): ReadonlyMap<string, Told> {
  if (!text.endsWith('\n') || text.endsWith('\n\n')) throw new Error('it does not end with one newline')
  const families = new Map<string, Told & { readonly series: Map<string, number> }>()
  let name = ''
  const lines = text.slice(0, -1).split('\n')
  lines.forEach((line, i) => {
    if (line.startsWith('# HELP ')) {
      const [, , helped = '', ...help] = line.split(' ')
      if (families.has(helped)) throw new Error(`${helped} is there twice`)
      const [, , typed, type = ''] = (lines[i + 1] as string).split(' ')
      if (typed !== helped) throw new Error(`no TYPE behind HELP of ${helped}`)
      name = helped
      families.set(name, { type, help: help.join(' '), series: new Map() })
    } else if (!line.startsWith('# TYPE ')) {
      const [, sample = '', , value = ''] = sampleForm.exec(line) ?? []
      const family = families.get(name)
      const suffixes = family?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
      if (!suffixes.some((suffix) => sample === name + suffix)) throw new Error(`out of place, or of no form: ${line}`)
      const series = line.slice(0, -value.length - 1)
      if (family?.series.has(series) === true) throw new Error(`${series} is there twice`)
      if (!(Number(value) >= 0) || Number(value) === Infinity) throw new Error(`no value of a metric: ${line}`)
      family?.series.set(series, Number(value))
    }
  })
  return families
}

/** Sum of the series of a metric that have these labels. */
export function valueOf(
  families: ReadonlyMap<string, Told>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''))
  if (family === undefined) throw new Error(`there is no metric ${name}`)
  let sum = 0
  for (const [series, value] of family.series)
    if (series.startsWith(`${name}{`) && wanted.every((label) => series.includes(label))) sum += value
  return sum
}

/** Counters and histograms that are less than before, in one process. */
export function fallen(before: ReadonlyMap<string, Told>, now: ReadonlyMap<string, Told>): readonly string[] {
  return [...before].flatMap(([name, { type, series }]) =>
    type === 'gauge'
      ? []
      : [...series].filter(([at, value]) => (now.get(name)?.series.get(at) ?? -1) < value).map(([at]) => at),
  )
}
