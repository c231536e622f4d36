const named = (process.env.KAFKA_BROKERS ?? '').split(',').filter((address) => address !== '')

/**
 * A `describe` for what needs a real broker; `brokers` are its addresses. Without one its tests are listed as skipped, and
 * the run says loudly which files that concerns.
 */
export function describeWithKafka(name: string, suite: (brokers: readonly string[]) => void): void {
  const describeIfThere = named.length > 0 ? describe : describe.skip
  describeIfThere(name, () => suite(named))
}
