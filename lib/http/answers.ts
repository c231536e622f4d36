/** A value as JSON. */
export function json(
  value: unknown,
  init: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): Response {
  return whole(JSON.stringify(value), 'application/json; charset=utf-8', init)
}

/** A text of that type. */
export function whole(
  text: string,
  type: string,
  init: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): Response {
  const bytes = Buffer.from(text)
  const headers = { ...init.headers, 'content-type': type, 'content-length': String(bytes.length) }
  return new Response(bytes, { status: init.status ?? 200, headers })
}
