import type { Example } from '../examples.ts';

export const DAEMON: Readonly<Record<string, readonly Example[]>> = {
  install: [
    ['reconcile install', 'have systemd keep the daemon running; shows the unit first (--dry-run only shows)'],
    ['reconcile install --yes --prefix /srv/reconciled', 'without asking, with its releases elsewhere'],
  ],
  uninstall: [
    ['reconcile uninstall', 'remove what install wrote; the services go on'],
    ['reconcile uninstall --dry-run', 'only show what would be removed'],
  ],
  daemon: [
    ['reconcile daemon', 'stay, watch the files, and keep the services running'],
    ['reconcile daemon --live', 'with a live status in place of a log'],
    ['reconcile daemon --live --stop-services', 'and with its end the end of its services, for a first try'],
  ],
};
