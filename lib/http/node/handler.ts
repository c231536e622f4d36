import type { IncomingMessage, ServerResponse } from 'node:http'
import { idleClock, type Clock } from '../../core/clock.js'
import { errorAnswer } from '../http-error.js'
import { write } from './answer.js'
import { goneSignal } from './gone.js'
import { requestOf } from './request.js'
import type { HttpContext, HttpHandler } from '../route.js'
import { secured } from '../serving/secured.js'

/**
 * A handler as servers of node:http call it, and frameworks above them: `createServer(nodeHandler(app.handler))`, in Express
 * `use('/millrace', nodeHandler(app.handler))`. `context.path` where the URL still has the path that it is mounted at.
 */
export function nodeHandler(
  handler: HttpHandler,
  context: HttpContext = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  return nodeHandlerOn(idleClock, handler, context)
}

export function nodeHandlerOn(
  clock: Clock,
  handler: HttpHandler,
  context: HttpContext = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => void answer(handler, context, request, response, clock)
}

async function answer(
  handler: HttpHandler,
  context: HttpContext,
  incoming: IncomingMessage,
  response: ServerResponse,
  clock: Clock,
): Promise<void> {
  const gone = goneSignal(incoming, response)
  // Whoever goes away in the middle of an answer makes writing it fail, which is no error of ours.
  response.on('error', () => undefined)
  let found: Response
  try {
    const remoteAddress = context.remoteAddress ?? incoming.socket.remoteAddress
    const { url, path } = mounted(incoming, context)
    found = await handler(requestOf(incoming, url, gone), { ...context, path, remoteAddress })
  } catch (error) {
    found = secured(errorAnswer(error))
  }
  await write(response, found, clock, gone)
}

/** Express, and what is made after it, cuts off where it has mounted a handler, and says what it has cut off. */
function mounted(
  incoming: IncomingMessage,
  { path }: HttpContext,
): { readonly url: string; readonly path: string | undefined } {
  const { url = '', baseUrl, originalUrl } = incoming as { url?: string; baseUrl?: unknown; originalUrl?: unknown }
  const isCut = path === undefined && typeof baseUrl === 'string' && typeof originalUrl === 'string'
  return isCut ? { url: originalUrl, path: baseUrl } : { url, path }
}
