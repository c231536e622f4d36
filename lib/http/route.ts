/** Answers a request as `fetch` does: what the listener of an app and the adapters of web frameworks call. Never rejects. */
export type Handler = (request: Request) => Promise<Response>

/** What is answered at one path. Rooms above make them; whoever puts an app together gives them all to one handler. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Segments: `/state/:kind/:key`. `:name` takes one segment, percent-decoded; a last `*` takes all that is left. */
  readonly path: string
  /**
   * Who may call it when the app has a token. `open`: anybody, as probes do. `read`: whoever has the token. `write`: the same, and never a page
   * of another origin; without a token only from this machine.
   */
  readonly access: 'open' | 'read' | 'write'
  /** What it throws is answered by its code, as JSON: `{ error: { code, message, … } }`. */
  handle(call: Call): Response | Promise<Response>
}

/** A request for a route. */
export interface Call {
  readonly request: Request
  /** What `:name` and `*` of the path stand for. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Aborts when whoever asked has gone away, or the app closes. */
  readonly signal: AbortSignal
  /** The body as JSON; undefined when there is none. Rejects with `REQUEST_INVALID` for what is no JSON, or too large. */
  json(): Promise<unknown>
}
