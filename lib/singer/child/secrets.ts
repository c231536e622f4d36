const telling = /pass|pwd|secret|token|key|credential|auth|private|dsn|url|uri/i

/** `amqp://user:password@host`. */
const urlPassword = /:\/\/[^\s/:@]*:([^\s/]+)@/g

/** Texts under names that sound like secrets, at any depth, and passwords in urls; as they may be written, too. */
export function secretsIn(...holders: readonly unknown[]): readonly string[] {
  const found = new Set<string>()
  const visit = (value: unknown, isSecret: boolean, depth: number): void => {
    if (typeof value === 'string') {
      for (const [, password = ''] of value.matchAll(urlPassword)) add(password)
      if (isSecret) add(value)
    }
    if (typeof value !== 'object' || value === null || depth > 20) return
    for (const [name, part] of Object.entries(value)) visit(part, isSecret || telling.test(name), depth + 1)
  }
  // A log has lines.
  const add = (secret: string): void =>
    [secret, ...secret.split(/[\r\n]+/)].flatMap(written).forEach((one) => found.add(one))
  for (const holder of holders) visit(holder, false, 0)
  // What is shorter is in too many words.
  return [...found].filter(({ length }) => length >= 4).sort((a, b) => b.length - a.length)
}

function written(secret: string): readonly string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed()), decoded(secret)]
}

function decoded(secret: string): string {
  try {
    return decodeURIComponent(secret)
  } catch {
    return secret
  }
}

/** Puts `***` in the place of each. */
export function hider(secrets: readonly string[]): (text: string) => string {
  return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text)
}
