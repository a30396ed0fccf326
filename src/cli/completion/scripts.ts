/*
 * What each shell is told: it asks `reconcile complete` at every Tab, so that the commands, options and services are
 * those of now. An answer `:files` or `:folders` is for the shell itself.
 */

const BASH = `\
# Completion of reconcile for bash. Made by: reconcile completion bash
_reconcile() {
  local answer program=$1
  type -t -- "$program" >/dev/null || program=reconcile
  answer=$("$program" complete bash -- "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null) || return 0
  COMPREPLY=()
  case $answer in
    '') ;;
    :files) compopt -o default 2>/dev/null ;;
    :folders) compopt -o dirnames 2>/dev/null ;;
    *)
      mapfile -t COMPREPLY <<<"$answer"
      # More is to come behind these.
      [[ \${COMPREPLY[0]} == *[.=] ]] && compopt -o nospace 2>/dev/null
      ;;
  esac
}
complete -F _reconcile reconcile
`;

const ZSH = `\
#compdef reconcile
# Completion of reconcile for zsh. Made by: reconcile completion zsh
_reconcile() {
  local answer line program=\${(Q)words[1]}
  local -a asked candidates more
  (( $+commands[$program] )) || [[ -x $program ]] || program=reconcile
  asked=("\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}")
  answer=$("$program" complete zsh -- "\${(@)asked}" 2>/dev/null) || return 1
  case $answer in
    '') return 1 ;;
    :files) _files; return ;;
    :folders) _files -/; return ;;
  esac
  for line in "\${(@f)answer}"; do
    candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  # More is to come behind these.
  [[ \${line%%$'\\t'*} == *[.=] ]] && more=(-S '')
  _describe -t reconcile reconcile candidates "\${(@)more}"
}
if [ "$funcstack[1]" = _reconcile ]; then _reconcile "$@"; else compdef _reconcile reconcile; fi
`;

const FISH = `\
# Completion of reconcile for fish. Made by: reconcile completion fish
function __reconcile_complete
    set -l before (commandline -opc)
    set -l partial (commandline -ct)
    set -l program $before[1]
    type -q -- $program; or set program reconcile
    set -l answer ($program complete fish -- $before[2..-1] $partial 2>/dev/null)
    switch "$answer[1]"
        case ''
            return
        case ':files'
            __fish_complete_path $partial
        case ':folders'
            __fish_complete_directories $partial ''
        case '*'
            printf '%s\\n' $answer
    end
end
complete -c reconcile -f -a '(__reconcile_complete)'
`;

/** By shell. */
export const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** As the files that shells look for, by name. */
export function completions(): ReadonlyMap<string, string> {
  return new Map([
    ['reconcile', BASH],
    ['_reconcile', ZSH],
    ['reconcile.fish', FISH],
  ]);
}
