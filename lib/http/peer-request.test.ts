import { instanceText, peerToken, textWithin } from './peer-request.js'

describe('what instances send each other', () => {
  it('is good at one address, and does not hold the token', () => {
    const token = 'a-token-of-enough-letters'
    const made = peerToken(token, 'http://a:1')
    expect(made).toMatch(/^[\w-]{43}$/)
    expect(new Set([made, peerToken(token, 'http://a:2'), peerToken(`${token}x`, 'http://a:1'), token]).size).toBe(4)
  })

  it.each(['', 'a b', 'ä\n', '\ud800', 'x'.repeat(100_000)])('names any instance in a header: %.10p', (name) => {
    expect(new Headers({ name: instanceText(name) }).get('name')).toBe(instanceText(name))
  })

  it('is read as far as there is room for it', async () => {
    expect(await textWithin(new Response('äb'), 3)).toBe('äb')
    expect(await textWithin(new Response(null), 3)).toBe('')
    let given = 0
    let ended = false
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        given++
        controller.enqueue(new Uint8Array(1_000))
      },
      cancel() {
        ended = true
      },
    })
    await expect(textWithin(new Response(endless), 10_000)).rejects.toThrow('more than 10000 bytes')
    expect([given < 20, ended]).toEqual([true, true])
  })
})
