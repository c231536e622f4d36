import { Argument } from 'commander'
import type { Entry } from '../completions/tree.js'
import { does, type Define } from '../frame/does.js'
import { takes } from '../frame/options.js'

type Shell = 'bash' | 'zsh' | 'fish'

export const define: Define = (command, whole) => {
  takes(command.addArgument(new Argument('<shell>', 'whose').choices(['bash', 'zsh', 'fish']))).action(
    does(async (session, _options, shell: Shell) => {
      const { entryOf } = await import('../completions/tree.js')
      const root = entryOf(await whole())
      session.out.raw(await scriptFor(shell, root))
    }),
  )
}

async function scriptFor(shell: Shell, root: Entry): Promise<string> {
  if (shell === 'fish') return (await import('../completions/fish.js')).fishCompletion(root)
  const { bashCompletion, zshCompletion } = await import('../completions/posix.js')
  return shell === 'bash' ? bashCompletion(root) : zshCompletion(root)
}
