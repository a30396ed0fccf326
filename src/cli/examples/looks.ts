import type { Example } from '../examples.ts';

export const LOOKS: Readonly<Record<string, readonly Example[]>> = {
  status: [
    ['reconcile status', 'every service: desired, real, since when'],
    ["reconcile status dolphin 'web-*'", 'of a group, and by pattern'],
    ['reconcile status --watch', 'kept up to date in its place; Ctrl-C ends it'],
    ['reconcile status --wide', 'with group, memory, CPU time, definition, and since when'],
    ['reconcile status --json', 'for programs'],
  ],
  logs: [
    ['reconcile logs -f web worker', 'what they wrote last, and go on to write, wherever that is'],
    ["reconcile logs 'shop:*' --since 1h", 'of a group; of patterns too: web-*'],
    ['reconcile logs web --grep ERROR', 'lines that match, of the last 10000 (-n, --since: of those)'],
    ['reconcile logs web --stderr -n 20', 'standard error alone, its last 20 lines'],
    ['reconcile logs web -n all --json', 'all there is, for programs, a line each'],
  ],
  who: [
    ['reconcile who web', 'what looks like it, and who runs that; also of a pid, or a port (:8010)'],
    ['reconcile who :8010', 'who has this port'],
    ['reconcile who --restarts web', 'who keeps restarting it? (watches for 10s, or --for 1m)'],
  ],
  history: [
    ['reconcile history web --since 2h', 'what happened to it, and which run did it'],
    ['reconcile history --limit 500', 'of all services, the newest 500'],
    ['reconcile history --json', 'for programs, a line each'],
  ],
  explain: [
    ['reconcile explain web', 'how it came to be as it is, and what to do next'],
    ['reconcile explain web --since 7d', 'from then on, and not from the last change of it on'],
  ],
  diff: [
    ['reconcile diff HEAD~1..', 'what the last commit does here'],
    ['reconcile diff main..topic --only web', 'what a branch would do to one service'],
  ],
  alert: [
    ['reconcile alert test', 'do alerts arrive? (alerts in policy.yaml; exit code 1 where one could not be told)'],
    ['reconcile alert test pager', 'at one of the targets'],
    ['reconcile alert test --json', 'for programs'],
  ],
};
