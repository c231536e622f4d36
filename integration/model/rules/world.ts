import type { State } from '../state/state.js'
import type { Config } from './config.js'
import type { Broken } from './rules.js'

/** The state of one run, and what is obeyed in it. Everything that changes it is one of the actions (`moves/actions.ts`). */
export interface World extends State {
  readonly config: Config
  readonly broken: Broken
}
