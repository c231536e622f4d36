#!/usr/bin/env node
import { runCli, tell } from './cli.js'
import { exits } from './frame/exits.js'
import { endWithReader } from './frame/interrupts.js'
import { flushed } from './frame/output.js'

const args = process.argv.slice(2)
endWithReader()
// A program that was loaded may fail by itself.
process.on('uncaughtException', (error) => {
  tell(error, args)
  process.exit(exits.failed)
})
const code = await runCli(args)
await flushed()
// Such a program may keep the process open, too.
process.exit(code)
