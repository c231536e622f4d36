import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { inspectBy, type MadeApp } from '../../app/inspector.js'
import { reasonOf } from '../../core/errors.js'
import { CliError, exits } from './exits.js'
import { keepStdout } from './output.js'

/**
 * Imports a program and gives the app that it makes with `createApp`: the one it exports as `app` or as default, or else the only
 * one it makes. Apps are not started: a program that starts its app by itself stands still there.
 */
export async function loadProgram(path: string, id: string | undefined): Promise<MadeApp> {
  const file = resolve(path)
  if (!(await stat(file).catch(() => undefined))?.isFile())
    throw new CliError(
      'notFound',
      `--program ${path}: there is no such file. Give the JavaScript file that makes your app.`,
    )
  const made: MadeApp[] = []
  let starting: (() => void) | undefined
  const started = new Promise<undefined>((done) => (starting = () => done(undefined)))
  inspectBy({
    made: (app) => void made.push(app),
    starting: () => {
      starting?.()
      return new Promise<never>(() => undefined)
    },
  })
  keepStdout()
  const end = new EarlyEnd(path)
  try {
    const exported = await Promise.race([importOf(file), started, end.waiting])
    return chosen(path, made, exported, id)
  } catch (error) {
    throw error instanceof CliError ? error : notLoaded(path, file, error)
  } finally {
    end.stop()
  }
}

/** A program that ends the process, or waits for what never comes, would have the command end without a word. */
class EarlyEnd {
  readonly waiting: Promise<never>
  readonly #path: string
  #onIdle: () => void = () => undefined

  constructor(path: string) {
    this.#path = path
    const what = `--program ${path} waits, when it is imported, for something that never comes`
    this.waiting = new Promise((_, reject) => (this.#onIdle = () => reject(new CliError('failed', what))))
    process.on('beforeExit', this.#onIdle)
    process.on('exit', this.#onExit)
  }

  stop(): void {
    process.off('beforeExit', this.#onIdle)
    process.off('exit', this.#onExit)
  }

  readonly #onExit = (code: number): void => {
    const todo = 'It has to make the app when it is imported, and go on'
    process.stderr.write(`millrace: --program ${this.#path} has ended the process with exit code ${code}. ${todo}.\n`)
    process.exitCode = exits.failed
  }
}

type Exports = Readonly<Record<string, unknown>>

const importOf = async (file: string): Promise<Exports> => (await import(pathToFileURL(file).href)) as Exports

function chosen(
  path: string,
  made: readonly MadeApp[],
  exported: Exports | undefined,
  id: string | undefined,
): MadeApp {
  const ids = made.map(({ options }) => options.id)
  const named = made.filter(({ options }) => id === undefined || options.id === id)
  const values = [exported?.app, exported?.default, (exported?.default as Exports | undefined)?.app]
  const [only, ...others] = named
  const app = named.find(({ app }) => values.includes(app)) ?? (others.length === 0 ? only : undefined)
  if (app !== undefined) return app
  const what = `--program ${path}`
  if (made.length === 0)
    throw new CliError(
      'notFound',
      `${what} makes no app. It has to call createApp when it is imported: export const app = createApp({ … }).`,
    )
  if (named.length === 0) throw new CliError('notFound', `${what} makes no app '${id}', but ${ids.join(', ')}.`)
  throw new CliError(
    'usage',
    `${what} makes several apps: ${ids.join(', ')}. Choose one with --app, or export it as app.`,
  )
}

const isTypeScript = (file: string): boolean => /\.[mc]?tsx?$/.test(file)

function notLoaded(path: string, file: string, error: unknown): CliError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  const isUnread = code === 'ERR_UNKNOWN_FILE_EXTENSION' || error instanceof SyntaxError
  if (isTypeScript(file) && isUnread) {
    const todo = `Compile it and give the JavaScript, or have a loader read it: NODE_OPTIONS='--import tsx' millrace …`
    return new CliError(
      'usage',
      `--program ${path} is TypeScript, which Node ${process.version} does not run as it is. ${todo}`,
      error,
    )
  }
  const place = placeOf(error)
  const where = place === undefined ? '' : ` (${place})`
  return new CliError('failed', `--program ${path} failed when it was imported: ${reasonOf(error)}${where}`, error)
}

/** The first place of its stack that is in a file of the user. */
function placeOf(error: unknown): string | undefined {
  const stack = (error as Error | undefined)?.stack
  if (typeof stack !== 'string') return undefined
  const places = stack.match(/file:\/\/[^\s)]+:\d+/g) ?? []
  const own = places.find((place) => !place.includes('/node_modules/') && !place.includes('/dist/esm/'))
  return own === undefined
    ? undefined
    : own.replace(/^(file:.*?)(:\d+(?::\d+)?)$/, (_, url: string, at: string) => fileURLToPath(url) + at)
}
