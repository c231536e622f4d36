import { readFileSync } from 'node:fs'

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
