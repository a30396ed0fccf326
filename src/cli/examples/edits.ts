import type { Example } from '../examples.ts';

export const EDITS: Readonly<Record<string, readonly Example[]>> = {
  set: [
    [
      'reconcile set web.limits.core=0B',
      "write a field to Git's file, comments kept; shows the diff and the plan first",
    ],
    ['reconcile set web.environment.TZ=UTC api.state=stopped', 'several at once: all or nothing'],
    ["reconcile set 'web.command=[sleep, 600]'", 'a list; each item is the text that the schema asks for'],
    ['reconcile set web.start.after+=db', 'one more item of a list; -= takes one out'],
    ['reconcile set web.health.api.every=5s', 'of an item of a list, by its name or number'],
    ['reconcile set web.umask=027 --layer label:edge', 'in the file of a layer: base, label:NAME, host'],
    ['reconcile set policy.holds.for=2h --dry-run', 'of policy.yaml; only show what would be'],
    ["reconcile set web.generation=8 --commit -m 'new build'", 'and commit it'],
  ],
  unset: [
    ['reconcile unset web.limits.core', 'remove a field from its file'],
    ['reconcile unset web.limits.core --layer host', 'for this host alone, where a layer below says it'],
  ],
};
