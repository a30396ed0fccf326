import type { Example } from '../examples.ts';

export const GIT: Readonly<Record<string, readonly Example[]>> = {
  sync: [
    ['reconcile sync', 'look for a new commit now, and apply it'],
    ['reconcile sync --no-wait', 'only tell the daemon, as a hook does'],
    ['reconcile sync --allow-rewind', 'with trust: also a commit that does not come after the last one'],
  ],
  hook: [
    ['reconcile hook install', 'a push or commit tells the daemon at once (also: hook remove)'],
    ['reconcile hook install /srv/git/fleet.git', 'in a repository elsewhere on this host'],
    ['reconcile hook remove', 'no more'],
  ],
  rollback: [
    ['reconcile rollback', 'back to the last commit of which everything stayed well, until the next one'],
    ['reconcile rollback --dry-run', 'only show what that would do'],
    ['reconcile rollback abbe23c7 --only web', 'to a commit, with one service alone'],
  ],
  retry: [['reconcile retry', 'try again what was rolled back']],
};
