/**
 * Answers a request as `fetch` does: what the listener of an app and the adapters of web frameworks call. `context` is what the request itself
 * does not tell. Rejects with `OPTIONS_INVALID` for what is no request, and never otherwise.
 */
export type HttpHandler = (request: Request, context?: HttpContext) => Promise<Response>

/** What a web framework knows of a request beside the request. What is not given is taken for the least. */
export interface HttpContext {
  /** Where the handler is mounted, when the path of the request still begins with it: `/millrace`. @default '/' */
  readonly path?: string | undefined
  /** The address of who asks, of the connection: without a token only this machine is answered. */
  readonly remoteAddress?: string | undefined
  /** Who asks has been looked at already, and may do this; no token is asked for. */
  readonly may?: 'read' | 'write' | undefined
}

/** What is answered at one path. Rooms above make them; whoever puts an app together gives them all to one handler. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /**
   * Segments: `/state/:kind/:key`. `:name` takes one segment, percent-decoded, which may be empty; a last `*` takes all that is left.
   * Of several that fit the one is taken that says more: text before `:name` before `*`. `GET` answers `HEAD` too.
   */
  readonly path: string
  /**
   * Who may call it. `open`: anybody, as probes do. `read`: whoever has the token, or without one this machine. `write`: the same, and
   * never a page of another origin.
   */
  readonly access: 'open' | 'read' | 'write'
  /**
   * What it throws is answered by its code, as JSON: `{ error: { code, message, … } }`; an `HttpError` with the status that it says.
   * An answer without `content-length` is a stream: it may last, and there is a limit for how many.
   */
  handle(call: Call): Response | Promise<Response>
}

/** A request for a route. */
export interface Call {
  readonly request: Request
  /** What `:name` and `*` of the path stand for. It is whatever was sent: no path of a file, and any text as a key. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Aborts when whoever asked has gone away, or the app closes. */
  readonly signal: AbortSignal
  /** The body as JSON; undefined when there is none. Rejects with `REQUEST_INVALID` for what is no JSON, or too large. */
  json(): Promise<unknown>
}
