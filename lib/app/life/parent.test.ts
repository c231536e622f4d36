import { spawnSync } from 'node:child_process'
import { asChild, childEnvironment, childOrders } from './parent.js'

const orders = { parent: 17, number: 1, instance: 'host-1', listen: false }

describe('what millrace run tells a child', () => {
  it('is heard by the child, and not by programs that the child starts', () => {
    const env = childEnvironment(orders)
    expect(childOrders(env, 17)).toEqual(orders)
    expect(childOrders(env, 18)).toBeUndefined()
    expect(childOrders({}, 17)).toBeUndefined()
  })

  it('is heard by a child whose parent was killed meanwhile: that is to end', () => {
    const { pid: killed } = spawnSync(process.execPath, ['--version'])
    const env = childEnvironment({ ...orders, parent: killed })
    expect(childOrders(env, 1, true)).toMatchObject({ parent: killed })
    expect(childOrders(env, 1, false)).toBeUndefined()
    expect(childOrders(childEnvironment({ ...orders, parent: process.pid }), 1, true)).toBeUndefined()
  })

  it.each([
    'text',
    '7',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...orders, parent: -1 }),
    JSON.stringify({ ...orders, number: 1.5 }),
    JSON.stringify({ ...orders, number: null }),
    JSON.stringify({ ...orders, instance: '' }),
    JSON.stringify({ ...orders, instance: 'x'.repeat(201) }),
    JSON.stringify({ ...orders, instance: 'a b' }),
    JSON.stringify({ ...orders, listen: 'yes' }),
  ])('is refused when it is %s', (text) => {
    expect(() => childOrders({ MILLRACE_CHILD: text }, 17)).toThrow(
      expect.objectContaining({ code: 'OPTIONS_INVALID' }),
    )
  })

  it('gives each an instance id of its own, and leaves the port to the parent', () => {
    const http = { port: 9464, host: '0.0.0.0', advertised: 'http://a:9464', token: 'x'.repeat(16) }
    expect(asChild({ http }, undefined)).toEqual({ http })
    expect(asChild({}, orders)).toEqual({ instanceId: 'host-1' })
    expect(asChild({ instanceId: 'shop', http: { token: 'a' } }, orders)).toEqual({
      instanceId: 'shop-1',
      http: { token: 'a' },
    })
    const { advertised: _, ...kept } = http
    expect(asChild({ http }, orders).http).toEqual({ ...kept, port: 0 })
    expect(asChild({}, { ...orders, listen: true })).toEqual({ instanceId: 'host-1', http: { port: 0 } })
  })
})
