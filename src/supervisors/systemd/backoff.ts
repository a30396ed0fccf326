import { waits } from '../shared/waits.ts';
import { quoteArgument } from './escape.ts';

/** Up for so long (microseconds), a unit counts as well again: as under the embedded supervisor. */
const STABLE = 10_000_000;
/** Time (ms) for the rest of a start beside the wait: systemd's own default. */
const START = 90_000;

/**
 * Waits before a restart, growing as declared, for a systemd that can only wait the same each time (before 254). It runs
 * before the main process, asks systemd how long the unit was last active, and keeps how often in a row that was not long
 * in a file of this boot, with when it ended: a start that failed before leaves these times as they were. A start that is
 * no restart begins anew, and the first one of a boot asks nobody: that would cost more than the start.
 *
 *   sh -c SCRIPT reconciled-backoff UNIT SECONDS...
 *
 * UNIT may name the manager first (`--user`). SECONDS are what to wait beyond RestartSec: the first restart in a row, the
 * second, and so on; the last of them from then on.
 */
const SCRIPT = `_m= _d=/run/reconciled-backoff
[ "$1" = --user ] && { _m=--user _d=$XDG_RUNTIME_DIR/reconciled-backoff; shift; }
[ -d "$_d" ] || mkdir -p "$_d"
[ -e "$_d/$1" ] || { echo 0 0 >"$_d/$1"; exit 0; }
_u=$1 _n=0 _seen=0 NRestarts=0 ActiveEnterTimestampMonotonic=0 ActiveExitTimestampMonotonic=0
shift
eval "$(systemctl $_m show -p NRestarts,ActiveEnterTimestampMonotonic,ActiveExitTimestampMonotonic -- "$_u")"
_end=$ActiveExitTimestampMonotonic
if [ "$NRestarts" -gt 0 ]; then
read -r _n _seen 2>/dev/null <"$_d/$_u"
[ "$_end" != "$_seen" ] && [ $((_end - ActiveEnterTimestampMonotonic)) -ge ${STABLE} ] && _n=0
_n=$((_n + 1))
fi
echo "$_n $_end" >"$_d/$_u"
[ "$_n" -gt $# ] && _n=$#
[ "$_n" -lt 1 ] && exit 0
shift $((_n - 1))
[ "$1" = 0 ] || exec sleep "$1"`;

/** ExecStartPre= that makes restarts wait so; the time a start may take then. */
export function waitingLines(
  manager: 'system' | 'user',
  initial: number,
  factor: number,
  max: number,
): readonly (readonly [key: string, value: string])[] {
  const beyond = waits(initial, factor, max).map((wait) => String((wait - initial) / 1000));
  const scope = manager === 'user' ? ['--user'] : [];
  const command = ['/bin/sh', '-c', SCRIPT, 'reconciled-backoff', ...scope].map(quoteArgument);
  return [
    // With the manager's rights whatever user the service has. `%n` is the unit, of a template the instance.
    ['ExecStartPre', `+${[...command, '"%n"', ...beyond.map(quoteArgument)].join(' ')}`],
    ['TimeoutStartSec', `${Math.ceil((max + START) / 1000)}s`],
  ];
}
