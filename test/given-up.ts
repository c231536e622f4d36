import type { TestDriver } from 'millrace/testing'

/** Lets so much time pass that what always fails, and is tried again by default, is a dead letter. */
export async function untilGivenUp(driver: Pick<TestDriver, 'advance'>): Promise<void> {
  for (let wait = 0; wait < 70; wait++) await driver.advance('30s')
}
