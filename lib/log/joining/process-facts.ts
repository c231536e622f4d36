import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** By which other processes can tell whether this one is still there. */
export interface ProcessFacts {
  /** Of the operating system since it was started, and of the space in which `pid` means one process; empty where it does not tell. */
  readonly boot: string
  readonly space: string
  readonly host: string
  readonly pid: number
  /** When it was started, as the system counts: another process that has its pid later has another. Empty where it is not told. */
  readonly started: string
}

/** Of this process. Source: proc(5), pid_namespaces(7), time_namespaces(7). */
export function ownFacts(): ProcessFacts {
  const { pid } = process
  // In a pid namespace that was made without a /proc of its own, what stands under a pid there is another process.
  const isOwn = orEmpty(() => readlinkSync('/proc/self')) === String(pid)
  return {
    boot: systemBootId() ?? '',
    space: isOwn ? spaceNow() : '',
    host: hostname(),
    pid,
    started: isOwn ? (statOf(pid)?.started ?? '') : '',
  }
}

/** In which a pid is one process, and has the same start for all who look: each time namespace counts from another moment. */
const spaceNow = (): string =>
  ['pid', 'time'].map((name) => orEmpty(() => readlinkSync(`/proc/self/ns/${name}`))).join(' ')

/**
 * Changes when the operating system restarts; undefined where the system does not tell. Files written without fsync
 * survive the end of a process, but not for certain the end of the system.
 */
export function systemBootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return undefined
  }
}

/** As another process told them; undefined when they are none. */
export function readFacts(told: unknown): ProcessFacts | undefined {
  if (typeof told !== 'object' || told === null) return undefined
  const { boot, space, host, pid, started } = told as Partial<Record<keyof ProcessFacts, unknown>>
  const texts = [boot, space, host, started]
  if (!texts.every((text) => typeof text === 'string')) return undefined
  // 0 and negative ones mean groups of processes.
  if (!Number.isInteger(pid) || (pid as number) < 1 || (pid as number) > 2 ** 31 - 1) return undefined
  return told as ProcessFacts
}

/**
 * Whether a process has ended, as far as this one can tell. `certainly`: the system says so, of the same pids. `apparently`: a machine of the
 * same name has no such process, and does not say whether it is the same one. Undefined: it lives, or is elsewhere.
 */
export function hasEnded(told: ProcessFacts, own: ProcessFacts): 'certainly' | 'apparently' | undefined {
  if (told.boot !== own.boot || told.space !== own.space) return undefined
  const isKnown = told.boot !== '' && told.space !== '' && told.started !== ''
  if (!isKnown && told.host !== own.host) return undefined
  if (isThere(told)) return undefined
  return isKnown ? 'certainly' : 'apparently'
}

function isThere({ pid, started }: ProcessFacts): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // Anything else means that there is one, of another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const stat = statOf(pid)
  if (stat === undefined) return true
  // One that has ended and whose parent has not asked yet has its pid still.
  return !stat.hasEnded && (started === '' || started === stat.started)
}

function statOf(pid: number): { readonly started: string; readonly hasEnded: boolean } | undefined {
  const stat = orEmpty(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  // Its second field is the name of the program, in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', started] = [fields[0], fields[19]]
  return started === undefined ? undefined : { started, hasEnded: state === 'Z' || state === 'X' }
}

function orEmpty(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
