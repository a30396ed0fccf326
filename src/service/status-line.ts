import type { ServiceStatus } from '../model.ts';

/** How many services with trouble are named. */
const NAMED = 3;
const TROUBLE = new Set(['FATAL', 'HELD', 'UNREADABLE', 'BACKOFF']);

/** How all is, in the one line that `systemctl status` has room for: `4ca74766f618: 12 of 14 running; web FATAL`. */
export function statusLine(
  services: readonly Pick<ServiceStatus, 'name' | 'state' | 'level'>[],
  { revision, invalid }: { readonly revision: string | undefined; readonly invalid: boolean },
): string {
  const running = services.filter(({ state }) => state === 'RUNNING').length;
  const troubled = services.flatMap(({ name, state, level }) =>
    TROUBLE.has(state) ? [`${name} ${state}`] : level === null || level === 'HEALTHY' ? [] : [`${name} ${level}`],
  );
  const more = troubled.length > NAMED ? ` and ${troubled.length - NAMED} more` : '';
  const parts = [
    `${revision === undefined ? '' : `${revision}: `}${running} of ${services.length} running`,
    ...(troubled.length === 0 ? [] : [`${troubled.slice(0, NAMED).join(', ')}${more}`]),
    ...(invalid ? ['the desired state is invalid'] : []),
  ];
  return parts.join('; ');
}
