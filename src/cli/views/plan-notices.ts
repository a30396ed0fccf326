import type { Notice } from '../../model.ts';
import { unreachable } from '../../problem.ts';
import { driftText, placed, time, unfreeze, until } from './plan-held.ts';

/** What is left as it is, and why. */
export function noticeWords(notice: Notice): { readonly what: string; readonly why: string } {
  switch (notice.kind) {
    case 'staged':
      return {
        what: 'left running',
        why: 'staged: it runs with what it was started from until its next start; now: reconcile --restart-staged',
      };
    case 'remark':
      return {
        what: 'worth knowing',
        why: [placed(notice.problem), notice.problem.hint].filter((text) => text !== undefined).join('; '),
      };
    case 'neighbours':
      return {
        what: 'not alone',
        why: `restarted with it, as the rest of group '${notice.group}': ${notice.others.join(', ')}`,
      };
    case 'first-start':
      return { what: 'not started', why: `it waits for a first start: reconcile start ${notice.service}` };
    case 'leftover':
      return {
        what: 'left alone',
        why: 'no longer in Git; `state: absent` or `prune` in policy.yaml removes it',
      };
    case 'drift':
      return { what: 'left alone', why: `${driftText(notice.what)}, and Git has not changed (\`drift: report\`)` };
    case 'besides':
      return { what: 'has more beside it', why: `somebody else's settings count too: ${notice.paths.join(', ')}` };
    case 'stray':
      return {
        what: `pid ${notice.pid} beside it`,
        why: `${notice.exact ? 'it runs its command' : 'it may run its command'}, ${notice.by}: ${notice.why}; look at it: reconcile who ${notice.pid}`,
      };
    case 'not-there':
      return {
        what: 'supersedes nothing',
        why: `not on this host, or not running: ${notice.things.join(', ')}`,
      };
    case 'conflict':
      return {
        what: 'claimed by others too',
        why: `${notice.where}: ${notice.why}; to have it taken over: \`supersedes: [${notice.supersedes}]\``,
      };
    case 'frozen':
      return {
        what: notice.service === '*' ? 'all is frozen' : 'frozen',
        why: `by ${notice.by}${notice.until === undefined ? '' : until(notice.until)}: ${notice.why}; supervision goes on; to end it: ${unfreeze(notice.service)}`,
      };
    case 'hold':
      return {
        what: 'left alone',
        why: `until ${time(notice.until)} by ${notice.by}: ${notice.why}; to end it: reconcile release ${notice.service}`,
      };
    case 'unknown-process':
      return { what: `pid ${notice.pid} left alone`, why: 'it is not known from which definition it was started' };
    default:
      return unreachable(notice);
  }
}
