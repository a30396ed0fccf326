import type { Example } from '../examples.ts';

export const HOLDS: Readonly<Record<string, readonly Example[]>> = {
  stop: [
    ['reconcile stop web --for 2h', 'stop it now, and have it left so (default: holds.for, 1h); start ends that'],
    ["reconcile stop 'dolphin:*' --reason 'disk swap'", 'all of a group; why is shown to whoever looks'],
    ['reconcile stop --all --for 10m', 'everything, a supervisord of ours too'],
    ['reconcile stop web --until 2026-11-24T16:40', 'until then, in UTC'],
  ],
  restart: [
    ['reconcile restart web', 'a new process, from what Git says'],
    ["reconcile restart 'dolphin:*'", 'all of a group, in their order, as many at a time as its policy lets be down'],
    ["reconcile restart 'web-*' db", 'by pattern and by name'],
    ["reconcile restart web --override 'it hangs'", 'though a window or a gate is shut'],
  ],
  reload: [
    ['reconcile reload web', 'its settings anew, with the process that it has (`reload` in its file; ExecReload=)'],
    ["reconcile reload 'dolphin:*'", 'all of a group that say how, one after what it is after'],
  ],
  signal: [
    ['reconcile signal USR1 web', 'to its main process, once'],
    ['reconcile signal HUP web --tree', 'to all processes of it'],
    ['reconcile signal KILL web --force', 'also one that ends it'],
  ],
  hold: [
    ["reconcile hold web --reason 'debug'", 'do nothing to it, whatever happens (--for 2h, --until TIME)'],
    ["reconcile hold 'dolphin:*' --for 30m", 'all of a group'],
    ['reconcile hold web --by jane', "as somebody else's doing"],
  ],
  release: [
    ['reconcile release web', 'as Git says again, also what somebody did with systemctl or supervisorctl'],
    ["reconcile release 'dolphin:*'", 'all of a group'],
    ['reconcile release --breaker', 'act on this host again, after more restarts than its budget'],
  ],
  capture: [
    ['reconcile capture web', "write what it is now to Git's file: stopped, edited, enabled (--dry-run shows)"],
    ['reconcile capture web --dry-run', 'only show what would be written'],
    ["reconcile capture web --commit -m 'stopped for the audit'", 'and commit it'],
  ],
  freeze: [
    ["reconcile freeze --reason 'audit'", 'change nothing, of all or of what is named (--for 2h, --until TIME)'],
    ["reconcile freeze 'dolphin:*' --reason 'expiry' --for 4h", 'of a group alone'],
  ],
  unfreeze: [
    ['reconcile unfreeze', 'go on'],
    ['reconcile unfreeze web', 'with one service alone'],
  ],
  approve: [
    ['reconcile approve', 'what waits for an approval (confirm: true)'],
    ['reconcile approve 3f0c9a1b2d', 'have it done'],
  ],
};
