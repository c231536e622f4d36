import { Histogram } from '../../core/telemetry/histogram.js'
import { families } from '../readings/families.js'
import type { Family, Inside, Sample } from '../readings/family.js'

/** What a metric shows now. */
export interface Reading {
  readonly family: Family
  readonly samples: readonly Sample[]
}

/** Never throws: of what cannot be read now there are no samples. No value is NaN, infinite or negative. */
export function readings(inside: Inside): readonly Reading[] {
  const { engine } = inside
  // Asked once for all: several are of the same.
  const { options, watch, health, stats } = engine
  const now = { ...inside, engine: { options, watch, health, stats } }
  return families.map((family) => ({ family, samples: samplesOf(family, now) }))
}

function samplesOf(family: Family, inside: Inside): readonly Sample[] {
  try {
    return [...family.read(inside)]
      .filter(([value]) => value instanceof Histogram || Number.isFinite(value))
      .map(notNegative)
  } catch {
    // While parts come and go.
    return []
  }
}

const notNegative = (sample: Sample): Sample => {
  const [value, ...labels] = sample
  return typeof value === 'number' && value < 0 ? [0, ...labels] : sample
}
