export { testDriver } from './driver.js'
export type { OutputRecord, SendAllOptions, SendOptions, TestDriver, TestDriverOptions } from './driver.js'
export type { CrashStep } from './life.js'
