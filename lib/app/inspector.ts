import type { Graph } from '../model/graph/graph.js'
import type { Program } from '../model/program.js'
import type { App } from './app.js'
import type { AppOptions } from './options.js'

/** An app that a program has made, and what it is made of. */
export interface MadeApp {
  readonly app: App
  readonly options: AppOptions
  readonly program: Program
  readonly graph: Graph
}

/** A tool that loads a program to look at what it is: apps that are made then are not started. */
export interface Inspector {
  made(app: MadeApp): void
  /** In the place of starting it. Never resolves, so that a program that waits for it does nothing more. */
  starting(app: App): Promise<never>
}

// The program may use another copy of this library than the tool that loads it.
const place = Symbol.for('millrace.inspector')

export function inspector(): Inspector | undefined {
  return (globalThis as { readonly [place]?: Inspector })[place]
}

/** From now on, in this process; undefined: nobody any more. */
export function inspectBy(tool: Inspector | undefined): void {
  Object.assign(globalThis, { [place]: tool })
}
