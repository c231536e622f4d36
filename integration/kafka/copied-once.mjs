// Jars that Maven copies once, for the broker and for other components.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Whether `into` is there as `wanted` says; `mark` is where that is noted. */
export const isCopied = ({ mark, wanted }) => existsSync(mark) && readFileSync(mark, 'utf8') === wanted

/** Makes the folder `into` by `copy`, which is given another to fill and renamed, so that an interrupted copy is never taken for a whole one. */
export function copiedOnce({ into, mark, wanted, saying, aside = `${into}-${process.pid}` }, copy) {
  if (isCopied({ mark, wanted })) return into
  mkdirSync(dirname(into), { recursive: true })
  mkdirSync(aside, { recursive: true })
  process.stderr.write(`${saying} with Maven, once\n`)
  try {
    copy(aside)
    rmSync(into, { recursive: true, force: true })
    renameSync(aside, into)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  writeFileSync(mark, wanted)
  return into
}

/** Throws with a sentence for people when it cannot fetch `what`. */
export function maven(what, ...args) {
  const { error, status } = spawnSync('mvn', ['-q', '-B', ...args], { stdio: ['ignore', 2, 2] })
  if (error !== undefined) throw new Error(`mvn was not found: install Maven; it fetches ${what}.`)
  if (status !== 0) throw new Error(`Maven could not fetch ${what}; what it said is above.`)
}
