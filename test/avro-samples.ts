import { z } from 'zod'

/** A whole number below `below`; all of them depend on the seed only (mulberry32). */
export type Random = (below: number) => number

export function seeded(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** A schema with an Avro form, and values of it. */
export interface Sample {
  readonly schema: z.ZodType
  value(): unknown
}

/** Any schema of at most `depth` levels, optional fields, defaults, unions and all. */
export function anySample(random: Random, depth = 3): Sample {
  const simple = simpleSamples(random)
  const kind = random(depth === 0 ? simple.length : simple.length + 6)
  const inner = (): Sample => anySample(random, depth - 1)
  switch (kind - simple.length) {
    case 0:
      return arrayOf(random, inner())
    case 1:
      return mapOf(random, inner())
    case 2:
      return nullable(random, inner())
    case 3:
    case 4:
      return recordOf(random, inner)
    case 5:
      return unionOf(random, inner)
    default:
      return simple[kind] as Sample
  }
}

function simpleSamples(random: Random): readonly Sample[] {
  const oneOf = <T>(values: readonly T[]): T => values[random(values.length)] as T
  const bytes = (): number[] => Array.from({ length: random(20) }, () => random(256))
  const sign = (): 1 | -1 => (random(2) === 0 ? 1 : -1)
  // Around every length that a number can have.
  const integer = (bits: number): number => sign() * (2 ** random(bits) - 1 + random(2)) + 0
  return [
    { schema: z.string(), value: () => oneOf(['', 'a', 'größe', '🎈'.repeat(random(40)), 'x'.repeat(random(3_000))]) },
    { schema: z.int(), value: () => integer(53) },
    { schema: z.int32(), value: () => integer(31) },
    { schema: z.bigint(), value: () => BigInt(sign()) * ((1n << BigInt(random(63))) - BigInt(random(2))) },
    { schema: z.number(), value: () => oneOf([0, -0, 0.1, integer(53) / 1_000, Number.MAX_VALUE, 2 ** 60]) },
    { schema: z.float32(), value: () => Math.fround(integer(40) / 7) },
    { schema: z.boolean(), value: () => random(2) === 0 },
    { schema: z.date(), value: () => new Date(integer(43)) },
    { schema: z.instanceof(Uint8Array), value: () => Uint8Array.from(bytes()) },
    { schema: z.enum(['new', 'paid', 'sent']), value: () => oneOf(['new', 'paid', 'sent']) },
    { schema: z.literal('only'), value: () => 'only' },
    { schema: z.uuid(), value: () => `00000000-0000-4000-8000-${String(random(1e9)).padStart(12, '0')}` },
  ]
}

function arrayOf(random: Random, item: Sample): Sample {
  return { schema: z.array(item.schema), value: () => Array.from({ length: random(5) }, () => item.value()) }
}

function mapOf(random: Random, held: Sample): Sample {
  const keys = (): string[] => Array.from({ length: random(4) }, () => `key ${random(1_000)}`)
  return {
    schema: z.record(z.string(), held.schema),
    value: () => Object.fromEntries(keys().map((key) => [key, held.value()])),
  }
}

function nullable(random: Random, inner: Sample): Sample {
  return { schema: inner.schema.nullable(), value: () => (random(2) === 0 ? null : inner.value()) }
}

function recordOf(random: Random, inner: () => Sample): Sample {
  const fields = Array.from({ length: random(6) }, (_, n) => ({ name: `f${n}`, ...fieldOf(random, inner()) }))
  return {
    schema: z.object(Object.fromEntries(fields.map(({ name, schema }) => [name, schema]))),
    value: () =>
      Object.fromEntries(fields.map(({ name, value }) => [name, value()]).filter(([, value]) => value !== undefined)),
  }
}

/** Required, optional, or with a default. A value that is null reads as null where both are possible. */
function fieldOf(random: Random, inner: Sample): Sample {
  const way = random(4)
  if (way === 1 && !inner.schema.safeParse(null).success)
    return { schema: inner.schema.optional(), value: () => (random(2) === 0 ? undefined : inner.value()) }
  if (way !== 2) return inner
  const fallback = inner.value()
  return { schema: inner.schema.default(fallback), value: () => (random(2) === 0 ? fallback : inner.value()) }
}

/** Of types that Avro can tell apart. */
function unionOf(random: Random, inner: () => Sample): Sample {
  const tagged = (tag: string): Sample => {
    const { schema, value } = inner()
    return { schema: z.object({ tag: z.literal(tag), it: schema }), value: () => ({ tag, it: value() }) }
  }
  const branches = [simpleSamples(random)[0], simpleSamples(random)[4], tagged('a'), tagged('b')] as const
  const [first, second, ...others] = branches.slice(random(2)) as [Sample, Sample, ...Sample[]]
  const all = [first, second, ...others]
  return {
    schema: z.union([first.schema, second.schema, ...others.map(({ schema }) => schema)]),
    value: () => (all[random(all.length)] as Sample).value(),
  }
}
