import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface SenderOptions {
  /** Asked before each connection. */
  readonly port: () => number
  readonly lines: readonly string[]
  /** Called now and then with how many are answered, and the connection, to do something bad to it. */
  readonly meanwhile?: (answered: number, socket: Socket) => void
  /** Most lines that are sent and not answered. */
  readonly window?: number
}

/**
 * Sends lines to a source with answers until all are answered: those that were not, when a connection ends, are sent again over the
 * next one. Gives how many were sent, and the refusals as `line: why`.
 */
export async function sendUntilAnswered(options: SenderOptions): Promise<{ sent: number; refused: string[] }> {
  const { lines, port, meanwhile, window = 500 } = options
  const refused = new Map<string, string>()
  let answered = 0
  let sent = 0
  while (answered < lines.length) {
    const socket = connect(port(), '127.0.0.1')
    socket.on('error', () => undefined)
    const closed = once(socket, 'close').catch(() => undefined)
    const before = answered
    let next = before
    let rest = ''
    const fill = (): void => {
      const until = Math.min(lines.length, answered + window)
      if (next < until) socket.write(lines.slice(next, until).join('\n') + '\n')
      sent += Math.max(0, until - next)
      next = Math.max(next, until)
    }
    socket.on('connect', fill)
    socket.on('end', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n')
      rest = parts.pop() as string
      for (const part of parts) {
        const [kind, number, ...why] = part.split(' ')
        if (kind === 'ok') answered = before + Number(number)
        else refused.set(lines[before + Number(number) - 1]!, why.join(' '))
      }
      if (answered === lines.length) return void socket.end()
      meanwhile?.(answered, socket)
      if (!socket.destroyed) fill()
    })
    await closed
    if (answered === before) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { sent, refused: [...refused].map(([line, why]) => `${line}: ${why}`) }
}
