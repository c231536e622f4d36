import { connect } from 'node:net'
import { createInterface } from 'node:readline'

/** Sends lines, each with its number, and again those that were not answered when the connection ends. */
export async function send(port: number, lines: readonly string[]): Promise<void> {
  let answered = 0
  while (answered < lines.length) {
    const before = answered
    const socket = connect(port, '127.0.0.1')
    socket.end(
      lines
        .slice(before)
        .map((line, i) => `${before + i} ${line}\n`)
        .join(''),
    )
    const answers = createInterface(socket).on('line', (answer) => {
      const [kind, frame] = answer.split(' ')
      if (kind === 'ok') answered = before + Number(frame)
    })
    // What was not answered is sent again.
    for (const each of [socket, answers]) each.on('error', () => undefined)
    await new Promise((resolve) => socket.once('close', resolve))
  }
}
