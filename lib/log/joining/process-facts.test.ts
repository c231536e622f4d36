import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { hasEnded, ownFacts, readFacts, type ProcessFacts } from './process-facts.js'

const linux = existsSync('/proc/self/ns/pid') ? describe : describe.skip

describe('what a process tells of itself', () => {
  const own = ownFacts()

  it('is read as it was told', () => {
    expect(readFacts(JSON.parse(JSON.stringify(own)))).toEqual(own)
  })

  it.each([
    undefined,
    null,
    7,
    'text',
    [],
    {},
    { ...own, pid: 0 },
    { ...own, pid: -1 },
    { ...own, pid: 1.5 },
    { ...own, pid: Number.NaN },
    { ...own, pid: 2 ** 31 },
    { ...own, pid: '1' },
    { ...own, boot: 7 },
    { ...own, started: undefined },
  ])('is nothing when it is %j', (told) => {
    expect(readFacts(told)).toBeUndefined()
  })

  it('does not say that a living process has ended', () => {
    expect(hasEnded(own, own)).toBeUndefined()
  })

  linux('on a system that tells', () => {
    /** A process that has ended. */
    async function ended(): Promise<number> {
      const child = spawn(process.execPath, ['-e', ''])
      await once(child, 'exit')
      return child.pid as number
    }

    it('says for certain of one that has ended', async () => {
      expect(hasEnded({ ...own, pid: await ended() }, own)).toBe('certainly')
    })

    it('names the space in which pids and times of starts mean the same', () => {
      const names = ['pid', 'time'].map((name) => `/proc/self/ns/${name}`).filter((path) => existsSync(path))
      for (const path of names) expect(own.space).toContain(readlinkSync(path))
    })

    it('knows a process that has the pid of another', () => {
      expect(hasEnded({ ...own, started: '1' }, own)).toBe('certainly')
    })

    it.each<[string, Partial<ProcessFacts>]>([
      ['a system that was started again, or another one', { boot: 'other' }],
      ['another space of pids', { space: 'pid:[1]' }],
      ['the same space of pids, and another of times', { space: own.space.replace(/time:.*/, 'time:[1]') }],
      ['a system that tells nothing', { boot: '', space: '', started: '' }],
    ])('says nothing of one in %s', async (_where, other) => {
      expect(hasEnded({ ...own, pid: await ended(), ...other }, own)).toBeUndefined()
    })

    it('only supposes where neither tells, and only on a machine of the same name', async () => {
      const silent = { ...own, boot: '', space: '', started: '' }
      const pid = await ended()
      expect(hasEnded({ ...silent, pid }, silent)).toBe('apparently')
      expect(hasEnded({ ...silent, pid, host: 'other' }, silent)).toBeUndefined()
      expect(hasEnded(silent, silent)).toBeUndefined()
    })

    it('says so of one that has ended and was not asked for yet by its parent', async () => {
      // The shell becomes a program that never asks, and only then its child ends.
      const parent = spawn('sh', ['-c', 'exec 3<&0; cat <&3 >/dev/null & echo $!; exec sleep 60'])
      const [line] = (await once(parent.stdout, 'data')) as [Buffer]
      const pid = Number(line.toString())
      const told = { ...own, pid }
      while (readFileSync(`/proc/${parent.pid}/comm`, 'utf8').trim() !== 'sleep') await new Promise(setImmediate)
      parent.stdin.end()
      while (hasEnded(told, own) === undefined) await new Promise(setImmediate)
      // Its pid is still there.
      expect(() => process.kill(pid, 0)).not.toThrow()
      parent.kill('SIGKILL')
      await once(parent, 'exit')
    })
  })
})
