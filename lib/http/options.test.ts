import { MillraceError } from '../core/errors.js'
import { resolveHttp, type HttpOptions } from './options.js'

const token = 'a-token-of-enough-letters'

function refusal(options: unknown): string {
  try {
    resolveHttp(options as HttpOptions)
  } catch (error) {
    if (MillraceError.is(error, 'OPTIONS_INVALID')) return error.message
    throw error
  }
  return ''
}

describe('options of HTTP', () => {
  it.each<[unknown, RegExp]>([
    [null, /createApp: http: null in the place of options/],
    [8080, /in the place of options; give an object with port, host/],
    [[], /in the place of options/],
    [{ port: '8080' }, /port is text \("8080"\); give a whole number from 0 to 65535/],
    [{ port: 65_536 }, /port is/],
    [{ port: -1 }, /port is/],
    [{ port: 80.5 }, /port is/],
    [{ port: NaN }, /port is/],
    [{ prot: 80 }, /there is no option 'prot'/],
    [{ port: 80, host: '' }, /host is text/],
    [{ port: 80, host: 'http://0.0.0.0' }, /without scheme and port/],
    [{ port: 80, host: '0.0.0.0:80/' }, /without scheme and port/],
    [{ port: 80, host: 'a b' }, /without scheme and port/],
    [{ port: 80, host: '\0' }, /without scheme and port/],
    [{ port: 80, host: 'x'.repeat(300) }, /without scheme and port/],
    [{ insecure: 'yes' }, /insecure is text/],
    [{ advertised: '10.0.0.7:9464' }, /advertised is no URL of http or https/],
    [{ advertised: 'ftp://10.0.0.7' }, /advertised is no URL/],
    [{ advertised: 'http://a:b@10.0.0.7' }, /advertised is no URL/],
    [{ advertised: 'http://10.0.0.7/?a=1' }, /advertised is no URL/],
    [{ advertised: 'http://10.0.0.7/#a' }, /advertised is no URL/],
    [{ advertised: `http://x/${'x'.repeat(3_000)}` }, /advertised is no URL/],
    [{ advertised: 'javascript:alert(1)' }, /advertised is no URL/],
  ])('are refused: %p', (options, expected) => {
    expect(refusal(options)).toMatch(expected)
  })

  it.each(['0.0.0.0', '::', '10.0.0.7', 'example.com', '127.0.0.1.example.com', '128.0.0.1', 'fe80::1'])(
    'ask for a token to listen on %s',
    (host) => {
      expect(refusal({ port: 80, host })).toMatch(/is open to a network, so a token is needed: .*insecure: true/)
      expect(refusal({ port: 80, host, token })).toBe('')
      expect(refusal({ port: 80, host, insecure: true })).toBe('')
    },
  )

  it.each(['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', '::1'])('ask for none on %s', (host) => {
    expect(refusal({ port: 80, host })).toBe('')
  })

  it.each([
    'short',
    '',
    'fifteen-letters',
    'with spaces in it which is no token',
    'with-a-line-end-in-it\n',
    'with-é-in-it-which-is-no-token',
    'x'.repeat(513),
    7,
    null,
    ['a-token-of-enough-letters'],
    { toString: () => 'a-token-of-enough-letters' },
  ])('refuse what is no token without showing it: %p', (wrong) => {
    const told = refusal({ token: wrong })
    expect(told).toMatch(/token is to have 16 to 512 letters/)
    expect(told).not.toContain(String(wrong).trim() || 'nothing')
  })

  it('take what is said, and are of this machine otherwise', () => {
    expect(resolveHttp()).toEqual({ host: '127.0.0.1', insecure: false })
    expect(resolveHttp({ port: 0, advertised: 'https://Ops.example:443/millrace//', token })).toMatchObject({
      port: 0,
      advertised: 'https://ops.example/millrace',
      token,
    })
  })
})
