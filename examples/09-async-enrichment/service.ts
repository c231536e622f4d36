import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { between, random } from '../shared/generate.js'
import type { Login } from './enrich.js'

export const countries = ['AT', 'BR', 'CH', 'DE', 'FR', 'IN', 'JP', 'US']

/** What the service knows: by the first number of the address. */
export function countryOf(ip: string): string {
  return countries[Number(ip.split('.')[0]) % countries.length] ?? ''
}

/** How often it fails before it answers: never for most, once or twice for some, always for networks 13 and 113. */
export function failuresOf(ip: string): number {
  const [network, , , host] = ip.split('.').map(Number)
  return network === 13 || network === 113 ? Infinity : ([1, 2][host ?? 0] ?? 0)
}

export function loginFeed(seed = 9): readonly Login[] {
  const next = random(seed)
  const counts = new Map<string, number>()
  return Array.from({ length: 1_000 }, () => {
    const user = `user-${between(next, 0, 249)}`
    const n = (counts.get(user) ?? 0) + 1
    counts.set(user, n)
    return { user, n, ip: `${between(next, 1, 120)}.0.0.${between(next, 0, 20)}` }
  })
}

/** A service on another machine, as far as anyone can tell: slow, and not always in a good mood. */
export async function startService(seed = 99): Promise<{ readonly url: string; close(): void }> {
  const next = random(seed)
  const asked = new Map<string, number>()
  const server = createServer((request, response) => {
    const ip = request.url?.slice(1) ?? ''
    const times = asked.get(ip) ?? 0
    asked.set(ip, times + 1)
    setTimeout(
      () => {
        if (times < failuresOf(ip)) response.writeHead(503).end()
        else response.end(countryOf(ip))
      },
      between(next, 1, 20),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}
