import type { Readable, Writable } from 'node:stream'

/** Longer lines are cut in two: one that never ends would be kept in memory. */
const longest = 65_536

/** Writes what a process says line by line, each with its name before it, so that those of several do not run into each other. */
export function copyLines(from: Readable, to: Writable, prefix: string): void {
  let rest = ''
  from.setEncoding('utf8')
  // As many wait for it as there are processes.
  to.setMaxListeners(0)
  from.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > longest) [lines[lines.length], rest] = [rest, '']
    if (lines.length === 0) return
    const isTaken = to.write(lines.map((line) => `${prefix}${line}\n`).join(''))
    if (isTaken) return
    // Who reads slowly slows the process down, as without us.
    from.pause()
    // Nor may it wait for ever for somebody who has gone.
    const goOn = (): void => {
      to.off('drain', goOn).off('error', goOn)
      from.resume()
    }
    to.on('drain', goOn).on('error', goOn)
  })
  from.on('end', () => {
    if (rest !== '') to.write(`${prefix}${rest}\n`)
  })
}
