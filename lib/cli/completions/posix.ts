import { allEntries, flagsOf, flagsWithValue, type Entry } from './tree.js'

// bash and zsh differ in how a script is told what was typed and how it answers; what is to be said is the same `case`.

/** Sets `at` to the command that the words before the cursor name: `topics check`. */
function commandCase(root: Entry): string {
  const names = allEntries(root).flatMap(({ path }) => (path.length === 0 ? [] : [`'${path.join(' ')}'`]))
  return `    case "$word" in
      ${flagsWithValue(root).join('|')}) skip=1; continue ;;
    esac
    case "\${at:+$at }$word" in
      ${names.join('|')}) at="\${at:+$at }$word" ;;
    esac`
}

/** Sets `choices`, or `files`, by the word before the cursor, and `choices` to the empty text where anything may follow. */
function valueCase(root: Entry): string {
  const lines = allEntries(root).flatMap(({ path, options }) =>
    options.flatMap((option) => {
      if (option.value === 'none') return []
      const patterns = flagsOf(option).map((flag) => `'${[path.join(' '), flag].join('|')}'`)
      const what =
        option.value === 'file' ? 'files=1' : `choices='${option.value === 'text' ? '' : option.value.join(' ')}'`
      return [`    ${patterns.join('|')}) ${what} ;;`]
    }),
  )
  return `  case "$at|$prev" in
${lines.join('\n')}
    *) free=1 ;;
  esac`
}

function wordCase(root: Entry): string {
  const lines = allEntries(root).map(({ path, commands, options }) => {
    const words = [...commands.map(({ path: each }) => each.at(-1)), ...options.flatMap(flagsOf)]
    return `    '${path.join(' ')}') choices='${words.join(' ')}' ;;`
  })
  return `  case "$at" in
${lines.join('\n')}
  esac`
}

export function bashCompletion(root: Entry): string {
  return `# Completions of millrace for bash. In ~/.bashrc: eval "$(millrace completion bash)"
_millrace() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" at='' skip='' word choices='' files='' free=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ -n $skip ]] && { skip=''; continue; }
${commandCase(root)}
  done
${valueCase(root)}
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
    return
  fi
  if [[ -n $free ]]; then
${indented(wordCase(root))}
  fi
  COMPREPLY=($(compgen -W "$choices" -- "$cur"))
}
complete -F _millrace millrace`
}

export function zshCompletion(root: Entry): string {
  return `#compdef millrace
# Completions of millrace for zsh. In ~/.zshrc, after compinit: eval "$(millrace completion zsh)"
_millrace() {
  local prev="\${words[CURRENT-1]}" at='' skip='' word choices='' files='' free=''
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ -n $skip ]] && { skip=''; continue; }
${commandCase(root)}
  done
${valueCase(root)}
  if [[ -n $files ]]; then
    _files
    return
  fi
  if [[ -n $free ]]; then
${indented(wordCase(root))}
  fi
  compadd -- \${=choices}
}
if [[ $funcstack[1] = _millrace ]]; then _millrace "$@"; else compdef _millrace millrace; fi`
}

const indented = (text: string): string => text.replace(/^/gm, '  ')
