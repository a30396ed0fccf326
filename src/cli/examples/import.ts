import type { Example } from '../examples.ts';

export const IMPORT: Readonly<Record<string, readonly Example[]>> = {
  import: [
    ['reconcile import --dry-run', 'what runs here already, as service files; nothing is written'],
    ['reconcile import', 'write them: they supervise nothing until somebody says so'],
    ["reconcile import --units 'worker-*'", 'these units alone, also of packages'],
    ['reconcile import --supervisord /etc/supervisor/old.conf', 'the programs of this supervisord'],
    ['reconcile import --processes', 'what somebody started by hand and left running'],
    ['reconcile import --adopt', 'take over, with its process, what can be without a restart'],
  ],
};
