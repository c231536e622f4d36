import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { kafkaLog } from 'millrace'
import { nextName } from '../names.js'
import { topicsOf } from './topics.js'

const program = join(process.cwd(), 'build', 'integration', 'page', 'main.js')
export const token = 'token-of-the-page-test-0123456789'

/** One process of the shop in main.ts. */
export class ShopProcess {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(url: string, child: ChildProcess) {
    this.url = url
    this.#child = child
  }

  static start(args: readonly string[]): Promise<ShopProcess> {
    const child = spawn(process.execPath, ['--enable-source-maps', program, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the shop has ended with ${code} before it ran`)))
      createInterface(child.stdout).on('line', (line) => {
        const [word, url] = line.split(' ')
        if (word === 'ready' && url !== undefined) resolve(new ShopProcess(url, child))
      })
    })
  }

  repair(): void {
    this.#child.kill('SIGUSR2')
  }

  end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return Promise.resolve()
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.kill(signal)
    return ended
  }
}

/** A shop in two processes, with a log to send it orders. */
export async function openShop(brokers: readonly string[]) {
  const id = nextName('shop')
  const folder = mkdtempSync(join(tmpdir(), 'millrace-page-'))
  const log = kafkaLog({ brokers: [...brokers] })
  const start = (instance: string): Promise<ShopProcess> =>
    ShopProcess.start([
      '--brokers',
      brokers.join(','),
      '--app',
      id,
      '--token',
      token,
      '--data-dir',
      join(folder, instance),
      '--instance',
      instance,
    ])
  const [one, two] = await Promise.all([start('shop-a'), start('shop-b')])
  const close = async (): Promise<void> => {
    await Promise.all([one.end('SIGTERM'), two.end('SIGTERM')])
    await log[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  }
  return { id, log, topics: topicsOf(id), one, two, close }
}
