/**
 * What stands between us and a service, so that it outlives us and its exit is seen: a shell that runs the command in
 * the foreground (a background job would have SIGINT and SIGQUIT ignored) and writes down its pid and its exit. It holds
 * the only writing end of the service's FIFO as descriptor 3: its end of file means that the shim is gone. Traps keep it
 * alive when its whole process group is signalled; a subshell resets them, so the command starts with default ones.
 *
 * No second shell is executed: the subshell becomes the command. /proc/self/stat, read by a built-in, is the subshell's
 * own: pid, parent (the shim) and start time in one line. The files are for whoever comes later, the lines on the FIFO
 * for whoever listens now; files first, so that a line is never ahead of its file. What fails here must not be
 * written to the service's log: the folder may have been deleted.
 *
 *   sh -c SCRIPT reconciled-shim DIRECTORY UMASK OPEN_FILES OOM_SCORE GATE UNSET COMMAND...
 *
 * OPEN_FILES is the soft limit or empty; OOM_SCORE is what the command is to have in place of the daemon's, or empty;
 * UNSET are the variables that shells export unasked. With a GATE it waits for a line on its standard input before the
 * command begins: the hard limit of open files, or nothing; the end of the daemon opens the gate too.
 */
export const SCRIPT = `_rd=$1 _rm=$2 _rn=$3 _ro=$4 _rg=$5 _ru=$6 _rh=
shift 6
trap : HUP INT QUIT TERM USR1 USR2
\${_rg:+read -r _rh}
(
read -r _rs </proc/self/stat
{ echo "$_rs" >"$_rd/pid"; } 2>/dev/null
echo "pid $_rs" >&3
umask "$_rm"
\${_rn:+ulimit -S -n "$_rn"}
[ -z "$_rh" ] || ulimit -H -n "$_rh" 2>/dev/null
[ -z "$_ro" ] || { echo "$_ro" >/proc/self/oom_score_adj; } 2>/dev/null
unset $_ru
exec "$@" 3>&- </dev/null
)
_rc=$?
{ echo "$_rc" >"$_rd/exit"; } 2>/dev/null
echo "exit $_rc" >&3`;

/** The name by which a shim is known in its own arguments. */
export const SHIM = 'reconciled-shim';

/** Is this the command line of a shim (or of its subshell, which has not become the command yet)? */
export function isShim(command: readonly string[]): boolean {
  return command[1] === '-c' && command[3] === SHIM;
}

/** The service's folder that a shim writes to, by its command line. */
export function shimFolder(command: readonly string[]): string {
  return command[4] ?? '';
}

const EXPORTED = ['PWD', 'OLDPWD', 'SHLVL', '_'];

export function shimArguments(
  directory: string,
  options: {
    readonly umask: string;
    readonly openFiles: number | undefined;
    readonly oomScore: string;
    readonly gated: boolean;
    readonly environment: Readonly<Record<string, string>>;
    readonly command: readonly string[];
  },
): string[] {
  const unset = EXPORTED.filter((name) => !(name in options.environment)).join(' ');
  const openFiles = options.openFiles === undefined ? '' : String(options.openFiles);
  const { umask, oomScore, gated, command } = options;
  return ['-c', SCRIPT, SHIM, directory, umask, openFiles, oomScore, gated ? '1' : '', unset, ...command];
}
