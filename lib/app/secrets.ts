import type { AppOptions } from './options.js'

/** What an app is told that nobody else may read: its token, and what it says to brokers to be let in. */
export function secretsIn({ http, kafka }: AppOptions): readonly string[] {
  const texts: string[] = typeof http?.token === 'string' ? [http.token] : []
  for (const part of [kafka?.sasl, kafka?.ssl]) {
    if (typeof part !== 'object' || part === null) continue
    // A user's name is no secret, and may be a word of any sentence.
    for (const [name, value] of Object.entries(part))
      if (typeof value === 'string' && /pass|secret|key|token/i.test(name) && value.length >= leastLength)
        texts.push(value)
  }
  return texts
}

/** What is shorter stands in sentences by chance. */
const leastLength = 4
