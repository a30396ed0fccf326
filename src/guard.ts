/**
 * What goes before each start of a supervisord of ours: one that was killed has left its programs behind, and would run
 * each a second time. They name its socket in their environment (supervisor.process: SUPERVISOR_SERVER_URL), as does all
 * that they have started. They are asked to end, killed after 10 s, and only when none is left the command is run. Where
 * one of them is the child of a supervisord that lives, none is touched: the new one will say by itself that its socket is
 * taken.
 *
 *   sh -c SCRIPT reconciled-guard SOCKET -- [COMMAND...]
 */
const SCRIPT = `url=SUPERVISOR_SERVER_URL=unix://$1
shift 2
left() {
grep -lszxF "$url" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
[ "$pid" = $$ ] || echo "$pid"
done
}
kept() {
for pid in $*; do
{ read -r stat </proc/$pid/stat; } 2>/dev/null || continue
set -- \${stat##*) }
{ tr '\\0' '\\n' </proc/$2/cmdline; } 2>/dev/null | head -n 2 | grep -q 'supervisord$' && return 0
done
return 1
}
pids=$(left)
if [ -n "$pids" ] && ! kept $pids; then
echo "ending what a former supervisord has left behind:" $pids >&2
kill -TERM $pids 2>/dev/null
n=0
while pids=$(left) && [ -n "$pids" ]; do
n=$((n + 1))
[ $n -lt 100 ] || kill -KILL $pids 2>/dev/null
[ $n -lt 150 ] || { echo "not started: these do not end:" $pids >&2; exit 1; }
sleep 0.1
done
fi
[ $# = 0 ] || exec "$@"`;

/** By this name it is known in its arguments. */
const NAME = 'reconciled-guard';

/** The arguments that see to it that nothing is left of a former supervisord with this socket, and then run a command. */
export function guarded(socket: string, command: readonly string[] = []): readonly string[] {
  return ['/bin/sh', '-c', SCRIPT, NAME, socket, '--', ...command];
}

/** Is this the guard of that socket, still waiting for what is left to end? */
export function isGuardOf(command: readonly string[], socket: string): boolean {
  return command[1] === '-c' && command[3] === NAME && command[4] === socket;
}

/** The command that runs in the end. */
export function unguarded(command: readonly string[]): readonly string[] {
  return command[1] === '-c' && command[3] === NAME && command.length > 6 ? command.slice(6) : command;
}
