import { tool } from '../shared/programs.ts';
import { waits } from '../shared/waits.ts';
import { word } from './script.ts';

/** Up for so long (s), a program counts as well again: as under the embedded supervisor. */
const STABLE = 10;
/** s. Between an end and the start that follows supervisord lets up to two pass, and one more for each failed start. */
const PAUSE = 2;
/** s. The longest time that is worth telling from for ever. */
const LONGEST = 1e9;

/** How a program is started again; times in ms. */
export interface Restarts {
  readonly backoff: { readonly initial: number; readonly factor: number; readonly max: number };
  /** How long it must be up for a start not to have failed. */
  readonly ready: number;
  readonly retries: number;
}

/**
 * Waits before a restart, growing as declared. It keeps how often in a row the program was started again soon, when it
 * was started (seconds of this boot) and from which definition in a file of its name. A first start, one from another
 * definition and one after stable uptime wait for nothing. Who stops it while it waits stops it at once.
 * `folder` is of the script: a word of sh.
 */
export function backoff(name: string, { backoff, ready, retries }: Restarts, folder: string): readonly string[] {
  const { initial, factor, max } = backoff;
  const all = waits(initial, factor, max).map((wait) => String(Math.min(wait / 1000, LONGEST)));
  const failures = ready === 0 ? 0 : retries;
  return `_rcd_d=${folder}
_rcd_f=$_rcd_d/${word(name)}
[ -d "$_rcd_d" ] || ${tool('mkdir')} -p -m 700 "$_rcd_d"
_rcd_n=0 _rcd_s=0 _rcd_m=
read -r _rcd_n _rcd_s _rcd_m 2>/dev/null <"$_rcd_f"
read -r _rcd_u _rcd_x </proc/uptime
_rcd_u=\${_rcd_u%%.*} _rcd_i=$_rcd_n
[ "$_rcd_i" -gt ${failures} ] && _rcd_i=${failures}
if [ "$_rcd_m" = "$RECONCILED_DEFINITION" ] && [ "$_rcd_s" -le "$_rcd_u" ] && [ $((_rcd_u - _rcd_s)) -lt $((${STABLE + PAUSE} + _rcd_i)) ]; then
_rcd_n=$((_rcd_n + 1)) _rcd_i=0
for _rcd_w in ${all.join(' ')}; do
_rcd_i=$((_rcd_i + 1))
[ "$_rcd_i" -ge "$_rcd_n" ] && break
done
trap 'kill "$!" 2>/dev/null; exit 0' HUP INT QUIT TERM USR1 USR2
${tool('sleep')} "$_rcd_w" &
wait "$!"
trap - HUP INT QUIT TERM USR1 USR2
read -r _rcd_u _rcd_x </proc/uptime
_rcd_u=\${_rcd_u%%.*}
else
_rcd_n=0
fi
echo "$_rcd_n $_rcd_u $RECONCILED_DEFINITION" >"$_rcd_f"`.split('\n');
}
