import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Answers that stand behind another one on their connection are not told of its end by node:http. */
const waiting = new WeakMap<Socket, Set<AbortController>>()

/** Aborts when nobody waits for the answer any more. Not when it is complete: aborting costs as much as answering. */
export function goneSignal({ socket }: IncomingMessage, response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  const all = waiting.get(socket) ?? watched(socket)
  all.add(gone)
  response.on('close', () => {
    all.delete(gone)
    if (!response.writableFinished) gone.abort()
  })
  if (socket.destroyed) gone.abort()
  return gone.signal
}

function watched(socket: Socket): Set<AbortController> {
  const all = new Set<AbortController>()
  waiting.set(socket, all)
  socket.on('close', () => {
    for (const each of all) each.abort()
  })
  return all
}
