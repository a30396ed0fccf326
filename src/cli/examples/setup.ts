import type { Example } from '../examples.ts';

export const SETUP: Readonly<Record<string, readonly Example[]>> = {
  init: [
    ['reconcile init ops', 'a first desired state in ./ops, to begin with'],
    ['reconcile init', 'in this folder, which may be a new repository'],
    ['reconcile init --dry-run', 'what would be written? (exit code 2 when something would)'],
    ['reconcile init --schemas', 'after an upgrade: the schemas that editors check by'],
  ],
  doctor: [
    ['reconcile doctor', 'what is wrong with this host or this setup, and how to mend it'],
    ['reconcile doctor --json', 'for programs'],
  ],
};
