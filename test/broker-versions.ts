/**
 * What brokers of Apache Kafka answer to ApiVersions, of the requests that we send, as `key:least-most`. Taken from the
 * descriptions of the protocol in kafka-clients of these versions.
 */
export const brokerVersions = {
  '2.7.2':
    '0:0-8 1:0-12 2:0-5 3:0-9 8:0-8 9:0-7 10:0-3 11:0-7 12:0-4 13:0-4 14:0-5 19:0-6 21:0-2 22:0-4 24:0-2 25:0-2 26:0-2 28:0-3 32:0-3',
  '2.8.2':
    '0:0-9 1:0-12 2:0-6 3:0-11 8:0-8 9:0-7 10:0-3 11:0-7 12:0-4 13:0-4 14:0-5 19:0-7 21:0-2 22:0-4 24:0-3 25:0-3 26:0-3 28:0-3 32:0-4 61:0-0',
  '3.0.2':
    '0:0-9 1:0-12 2:0-7 3:0-11 8:0-8 9:0-8 10:0-4 11:0-7 12:0-4 13:0-4 14:0-5 19:0-7 21:0-2 22:0-4 24:0-3 25:0-3 26:0-3 28:0-3 32:0-4 61:0-0 65:0-0 66:0-0',
  '3.9.1':
    '0:0-11 1:0-17 2:0-9 3:0-12 8:0-9 9:0-9 10:0-6 11:0-9 12:0-4 13:0-5 14:0-5 19:0-7 21:0-2 22:0-5 24:0-5 25:0-4 26:0-4 28:0-4 32:0-4 61:0-0 65:0-0 66:0-1',
  '4.1.0':
    '0:3-13 1:4-18 2:1-10 3:0-13 8:2-10 9:1-10 10:0-6 11:0-9 12:0-4 13:0-5 14:0-5 19:2-7 21:0-2 22:0-6 24:0-5 25:0-4 26:0-5 28:0-5 32:1-4 61:0-0 65:0-0 66:0-2',
  '4.4.0':
    '0:3-13 1:4-18 2:1-11 3:0-13 8:2-10 9:1-10 10:0-6 11:0-9 12:0-4 13:0-5 14:0-5 19:2-7 21:0-2 22:0-6 24:0-5 25:0-4 26:0-5 28:0-6 32:1-4 61:0-0 65:0-0 66:0-2',
} as const

export type BrokerVersion = keyof typeof brokerVersions

export interface VersionRange {
  readonly minVersion: number
  readonly maxVersion: number
}

/** By key. */
export function spokenBy(version: BrokerVersion): Record<number, VersionRange> {
  const ranges = brokerVersions[version].split(' ').map((entry) => {
    const [key, minVersion, maxVersion] = entry.split(/[:-]/).map(Number)
    return [key, { minVersion, maxVersion }] as const
  })
  return Object.fromEntries(ranges)
}
