/**
 * What a shell does before it becomes a program: the wrapper of what supervisord has no word for and env, prlimit and
 * setpriv can't do. Each part is lines of POSIX sh; its variables begin with `_rcd_`.
 */

/** The command that runs the parts, and then becomes the rest of the command. What shells export unasked does not pass. */
export function shell(parts: readonly (readonly string[])[]): readonly string[] {
  return ['/bin/sh', '-c', ['unset PWD OLDPWD SHLVL _', ...parts.flat(), 'exec "$@"'].join('\n'), 'reconciled'];
}

/** A text as one word of a script. */
export function word(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** What shells set, export or refuse unasked: a program gets it from env, after the shell. */
export const OF_SHELLS: ReadonlySet<string> = new Set(
  'PWD OLDPWD SHLVL _ IFS OPTIND LINENO PPID PS1 PS2 PS4 UID EUID'.split(' '),
);

/** Variables that no file may set: they tell what runs. */
const OURS = 'RECONCILED_DEFINITION|RECONCILED_SUPERVISOR|RECONCILED_SETTINGS|RECONCILED_INSTANCE|SUPERVISOR_*';

/** White space beyond ASCII as parseFile of ../shared/environment.ts trims it, in UTF-8. */
const BLANKS =
  '\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_';

/** The text in octal escapes of printf, so that a script is plain ASCII. */
function octal(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\${byte.toString(8)}`).join('');
}

/**
 * Reads files of variables at each start as parseFile of ../shared/environment.ts does, line by line, and exports what
 * they hold, once all are read: what is named like a variable of the shell must not disturb it. The values are never
 * arguments of a process, which everybody could see.
 */
export function environmentFiles(paths: readonly string[]): readonly string[] {
  return `_rcd_r=$(printf '\\r') _rcd_b=$(printf '\\t\\v\\f\\r ') _rcd_c=$#
_rcd_u='${[...BLANKS].map(octal).join(' ')}'
_rcd_u=$(printf "$_rcd_u")
_rcd_y=$(printf '${octal('\u2028')}') _rcd_z=$(printf '${octal('\u2029')}')
_rcd_left() {
while :; do
case $_rcd_v in
["$_rcd_b"]*) _rcd_v=\${_rcd_v#?}; continue;;
[${LETTERS}]*) return;;
esac
for _rcd_o in $_rcd_u; do
case $_rcd_v in "$_rcd_o"*) _rcd_v=\${_rcd_v#"$_rcd_o"}; continue 2;; esac
done
return
done
}
_rcd_right() {
while :; do
case $_rcd_v in *["$_rcd_b"]) _rcd_v=\${_rcd_v%?}; continue;; esac
for _rcd_o in $_rcd_u; do
case $_rcd_v in *"$_rcd_o") _rcd_v=\${_rcd_v%"$_rcd_o"}; continue 2;; esac
done
return
done
}
for _rcd_f in ${paths.map(word).join(' ')}; do
exec 3<"$_rcd_f" || exit 1
_rcd_e=
while [ -z "$_rcd_e" ]; do
if IFS= read -r _rcd_v <&3; then _rcd_v=\${_rcd_v%"$_rcd_r"}; else _rcd_e=1; fi
_rcd_left
case $_rcd_v in export*)
_rcd_k=$_rcd_v _rcd_v=\${_rcd_v#export}
_rcd_w=$_rcd_v
_rcd_left
[ "$_rcd_w" = "$_rcd_v" ] && _rcd_v=$_rcd_k;;
esac
case $_rcd_v in *=*);; *) continue;; esac
_rcd_k=\${_rcd_v%%=*} _rcd_v=\${_rcd_v#*=}
case $_rcd_k in ''|[0123456789]*|*[!${LETTERS}0123456789]*|${OURS}) continue;; esac
case $_rcd_v in *"$_rcd_r"*|*"$_rcd_y"*|*"$_rcd_z"*) continue;; esac
_rcd_left
_rcd_right
case $_rcd_v in \\"*\\"|\\'*\\') _rcd_v=\${_rcd_v#?} _rcd_v=\${_rcd_v%?};; esac
set -- "$@" "$_rcd_k=$_rcd_v"
done
exec 3<&-
done
_rcd_n=$(($# - _rcd_c))
while [ "$_rcd_c" -gt 0 ]; do set -- "$@" "$1"; shift; _rcd_c=$((_rcd_c - 1)); done
while [ "$_rcd_n" -gt 0 ]; do export "$1"; shift; _rcd_n=$((_rcd_n - 1)); done`.split('\n');
}
