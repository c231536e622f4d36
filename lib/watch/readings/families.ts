import type { Family } from './family.js'
import { ofApp } from './of-app.js'
import { ofCommits } from './of-commits.js'
import { ofConnectors } from './of-connectors.js'
import { ofProcess } from './of-process.js'
import { ofRecords } from './of-records.js'
import { ofState } from './of-state.js'
import { ofTurns } from './of-turns.js'

/** Every metric there is, in the order in which they are told. */
export const families: readonly Family[] = [
  ...ofApp,
  ...ofRecords,
  ...ofTurns,
  ...ofCommits,
  ...ofState,
  ...ofConnectors,
  ...ofProcess,
]
