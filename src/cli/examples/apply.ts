import type { Example } from '../examples.ts';

export const APPLY: Readonly<Record<string, readonly Example[]>> = {
  reconcile: [
    ['reconcile --dry-run', 'what would change? (exit code 2 when something would)'],
    ['reconcile', 'make it so'],
    ['reconcile --only web worker', 'two services alone'],
    ["reconcile --only 'dolphin:*'", 'all services of a group'],
  ],
  plan: [
    ['reconcile plan --out friday.json', 'a plan to look at, and to apply with `reconcile apply`'],
    ['reconcile plan --only web', 'of one service alone, to look at'],
    ['reconcile plan --restart-staged', 'as if what waits for its next start took effect now'],
  ],
  apply: [
    ['reconcile apply friday.json', 'a kept plan, as long as nothing has changed since'],
    ["reconcile apply friday.json --override 'the disk is full'", 'though a window or a gate is shut'],
  ],
  start: [
    ['reconcile start web', 'what waits for a first start, is FATAL or HELD'],
    ["reconcile start 'dolphin:*'", 'all of a group that are to run'],
    ["reconcile start web --override 'agreed with ops'", 'though a window or a gate is shut'],
  ],
  validate: [
    ['reconcile validate', 'every problem of the desired state at once'],
    ['reconcile validate --desired-state ./checkout', 'of another directory, as in a CI'],
    ['reconcile validate --host trading-2 --json', 'as another host would see it, for programs'],
  ],
};
