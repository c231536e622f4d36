/** The metrics of one process, in the text form of Prometheus. */
export interface MetricsOf {
  readonly process: string
  readonly text: string
}

/** A sample: its name, the labels it may have in braces, and the rest. */
const sampleForm = /^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})?(\s.*)$/
const headForm = /^# (?:HELP|TYPE) ([A-Za-z_:][A-Za-z0-9_:]*) /

/**
 * One text of several: each sample with a label `process`, and all samples of a metric behind its one HELP and TYPE, as the format
 * asks for. Source: Prometheus, exposition formats.
 */
export function mergedMetrics(all: readonly MetricsOf[]): string {
  const metrics = new Map<string, { readonly head: string[]; readonly samples: string[] }>()
  for (const { process, text } of all) {
    let current: { readonly head: string[]; readonly samples: string[] } | undefined
    let isKnown = false
    for (const line of text.split('\n')) {
      const name = headForm.exec(line)?.[1]
      if (name !== undefined) {
        if (current !== metrics.get(name) || current === undefined) {
          isKnown = metrics.has(name)
          current = metrics.get(name) ?? { head: [], samples: [] }
          metrics.set(name, current)
        }
        if (!isKnown) current.head.push(line)
        continue
      }
      const found = sampleForm.exec(line)
      if (found === null) continue
      const [, sample = '', labels, rest = ''] = found
      if (current === undefined) metrics.set(sample, (current = metrics.get(sample) ?? { head: [], samples: [] }))
      const more = labels === undefined || labels === '' ? '' : `${labels},`
      current.samples.push(`${sample}{${more}process="${process}"}${rest}`)
    }
  }
  return (
    [...metrics.values()]
      .flatMap(({ head, samples }) => [...head, ...samples, ''])
      .filter(Boolean)
      .join('\n') + '\n'
  )
}
