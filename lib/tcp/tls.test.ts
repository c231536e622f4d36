import { once } from 'node:events'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listening, Opened, Peer } from '../../test/tcp.js'
import { tcpSource, type TcpSourceOptions, type TcpTls } from './index.js'

const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
const pem = (name: string): Buffer => readFileSync(join(folder, name))
let server: TcpTls, ca: Buffer, client: { cert: Buffer; key: Buffer }

beforeAll(() => {
  for (const each of ['', 'other']) makeCertificates(join(folder, each))
  server = { cert: pem('server.crt'), key: pem('server.key') }
  client = { cert: pem('client.crt'), key: pem('client.key') }
  ca = pem('ca.crt')
})

function makeCertificates(into: string): void {
  const program = `import { mkdirSync } from 'node:fs'
import { makeCertificates } from './integration/kafka/certificates.mjs'
mkdirSync(process.argv[1], { recursive: true })
makeCertificates(process.argv[1])`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program, into])
  if (status !== 0) throw new Error(String(stderr))
}

const opened: Opened[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function listen(options: Partial<TcpSourceOptions>) {
  const source = await listening(options)
  opened.push(source)
  return source
}

/** One that is let in gets an answer; the others are told nothing, and their connection ends. */
async function isTaken(port: number, tls: object | undefined): Promise<boolean> {
  try {
    const peer = await Peer.to(port, tls)
    peer.send('hello\n')
    await peer.hears('ok 1')
    peer.socket.destroy()
    return true
  } catch {
    return false
  }
}

it('frames come and are answered over TLS; who does not speak it is turned away and logged', async () => {
  const source = await listen({ tls: server })
  expect(await isTaken(source.port, { ca })).toBe(true)
  expect(await isTaken(source.port, undefined)).toBe(false)
  expect(source.warnings).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+: the TLS handshake failed: /)])
  expect(await isTaken(source.port, { ca })).toBe(true)
  expect(source.texts).toEqual(['hello', 'hello'])
})

it('with ca only clients come in that show a certificate of it, resumed sessions too', async () => {
  const source = await listen({ tls: { ...server, ca } })
  const other = { cert: pem('other/client.crt'), key: pem('other/client.key') }
  expect(await isTaken(source.port, { ca, ...client })).toBe(true)
  expect(await isTaken(source.port, { ca })).toBe(false)
  expect(await isTaken(source.port, { ca, ...other })).toBe(false)
  expect(await isTaken(source.port, { ca, ...client })).toBe(true)
  expect(source.texts).toEqual(['hello', 'hello'])
  expect(source.warnings).toHaveLength(2)
})

it('a handshake that stalls ends after its time, and holds up nobody', async () => {
  const source = await listen({ tls: server, connectTimeout: 300 })
  const stalling = connect(source.port, '127.0.0.1')
  await once(stalling, 'connect')
  expect(await isTaken(source.port, { ca })).toBe(true)
  stalling.resume().on('error', () => undefined)
  await once(stalling, 'close')
  expect(source.warnings).toEqual([expect.stringContaining('TLS handshake')])
  expect(await isTaken(source.port, { ca })).toBe(true)
})

it('a source that connects trusts whom it was told to, by the name it was told', async () => {
  const there = await listen({ tls: server })
  const connectTo = async (tls: TcpTls): Promise<string> => {
    const source = new Opened(tcpSource({ connect: { port: there.port }, frames: 'line', tls, connectTimeout: 2_000 }))
    const met = new Promise<string>((resolve) => setTimeout(resolve, 300, 'connected'))
    const end = await Promise.race([met, source.ended.then(String, String)])
    await source.close()
    return end
  }
  expect(await connectTo({ ca })).toBe('connected')
  expect(await connectTo({})).toMatch(/127\.0\.0\.1:\d+: unable to verify/)
  expect(await connectTo({ ca: pem('other/ca.crt') })).toMatch(/127\.0\.0\.1:\d+: /)
  expect(await connectTo({ ca, servername: 'elsewhere' })).toContain("does not match certificate's altnames")
  expect(await connectTo({ rejectUnauthorized: false })).toBe('connected')
})

describe('tls options', () => {
  const tried = (use: 'listen' | 'connect', tls: unknown) => () =>
    tcpSource({ [use]: { port: 7000 }, frames: 'line', tls: tls as TcpTls })
  it.each<[string, 'listen' | 'connect', () => unknown, string]>([
    ['none of a listener', 'listen', () => ({}), 'needs cert and key'],
    ['a cert without its key', 'listen', () => ({ cert: server.cert }), 'cert and key go together'],
    ['the key of another cert', 'listen', () => ({ ...server, key: client.key }), 'cannot be used'],
    ['no PEM', 'listen', () => ({ cert: 'x', key: 'y' }), 'cannot be used'],
    ['a path', 'connect', () => ({ ca: { file: 'ca.crt' } }), 'ca is'],
    ['a misspelt one', 'connect', () => ({ sevrername: 'a' }), "no option 'sevrername'"],
    ['true', 'connect', () => true, 'tls'],
    ['a name of a listener', 'listen', () => ({ ...server, servername: 'a' }), 'of a side that connects'],
    ['an address as a name', 'connect', () => ({ servername: '10.0.0.1' }), 'servername'],
  ])('refuse %s', (_what, use, tls, says) => {
    expect(tried(use, tls())).toThrow(
      expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringContaining(says) }),
    )
  })
})
