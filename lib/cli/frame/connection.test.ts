import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaOptions } from './connection.js'

describe('how the command connects', () => {
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-config-'))))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const fileOf = (content: unknown): string => {
    const path = join(folder, 'config.json')
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }

  it('is not known where nobody says it', async () => {
    expect(await kafkaOptions({}, {}, undefined)).toBeUndefined()
  })

  it('an option goes over the environment, that over the file, and that over the program', async () => {
    const config = fileOf({ brokers: ['file:1'], ssl: true, clientId: 'of-file' })
    const program = { brokers: ['program:1'], ssl: false, requestTimeout: 7 }
    const env = { MILLRACE_SASL_USERNAME: 'me', MILLRACE_SASL_PASSWORD: 'secret' }
    const sasl = { mechanism: 'plain', username: 'me', password: 'secret' }
    const all = await kafkaOptions({ brokers: 'a:1, b:2', config }, env, program)
    expect(all).toEqual({ brokers: ['a:1', 'b:2'], ssl: true, clientId: 'of-file', requestTimeout: 7, sasl })
    expect(await kafkaOptions({ config }, { MILLRACE_SSL: 'false' }, program)).toMatchObject({
      brokers: ['file:1'],
      ssl: false,
    })
    expect(await kafkaOptions({}, {}, program)).toMatchObject(program)
  })

  it('reads certificates from files that lie beside the file', async () => {
    writeFileSync(join(folder, 'ca.pem'), 'certificate')
    const config = fileOf({ brokers: ['a:1'], ssl: { caFile: 'ca.pem', servername: 'kafka' } })
    expect(await kafkaOptions({ config }, {}, undefined)).toMatchObject({
      ssl: { ca: 'certificate', servername: 'kafka' },
    })
  })

  it.each<[what: string, content: unknown, env: NodeJS.ProcessEnv, says: RegExp]>([
    ['no JSON', '{ "sasl": { "password": "canary" ', {}, /is not JSON/],
    ['a list', ['canary'], {}, /holds no object/],
    ['null', 'null', {}, /holds no object/],
    ['a file that is none', { ssl: { caFile: 7 } }, {}, /ssl\.caFile is no name of a file/],
    ['a file that is not there', { ssl: { keyFile: 'no.pem' } }, {}, /no\.pem cannot be read/],
    ['half of a login', {}, { MILLRACE_SASL_PASSWORD: 'canary' }, /set both, or none/],
    ['a switch that is none', {}, { MILLRACE_SSL: 'canary' }, /'true' or 'false'/],
  ])('says what is wrong with %s, and not what is in it', async (_what, content, env, says) => {
    const failure = await kafkaOptions({ config: fileOf(content) }, env, undefined).catch((error: unknown) => error)
    expect(failure).toMatchObject({ exit: 'usage', message: expect.stringMatching(says) })
    expect((failure as Error).message).not.toContain('canary')
  })
})
