const telling = /pass|pwd|secret|token|key|credential|auth|private|dsn|url|uri/i

/** Texts under names that sound like secrets, at any depth. */
export function secretsIn(...holders: readonly unknown[]): readonly string[] {
  const found = new Set<string>()
  const visit = (value: unknown, isSecret: boolean, depth: number): void => {
    // What is shorter is in too many words.
    if (typeof value === 'string' && isSecret && value.length >= 4) found.add(value)
    if (typeof value !== 'object' || value === null || depth > 20) return
    for (const [name, part] of Object.entries(value)) visit(part, isSecret || telling.test(name), depth + 1)
  }
  for (const holder of holders) visit(holder, false, 0)
  return [...found].sort((a, b) => b.length - a.length)
}

/** Puts `***` in the place of each. */
export function hider(secrets: readonly string[]): (text: string) => string {
  return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text)
}
