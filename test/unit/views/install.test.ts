import { expect, it } from 'vitest';
import { PLAIN } from '../../../src/cli/style.ts';
import { installJson, installText, type ShownChange } from '../../../src/cli/views/install.ts';

const CHANGES: readonly ShownChange[] = [
  { kind: 'release', path: '/opt/r/1-ab', was: 'absent', release: { files: [1, 2], bytes: 130_400_000 } },
  { kind: 'release', path: '/opt/r/1-cd', was: 'changed', release: { files: [1], bytes: 10 } },
  { kind: 'file', path: '/etc/x.service', to: 'a\nb\n' },
  { kind: 'file', path: '/etc/y.service', from: 'a\nb\n', to: 'a\nc\n' },
  { kind: 'file', path: '/etc/z.service', from: 'a\n' },
  { kind: 'link', path: '/opt/r/current', to: 'releases/1-ab', was: undefined },
  { kind: 'link', path: '/usr/local/bin/reconcile', to: '/opt/r/current/dist/reconcile', was: 'a file' },
  { kind: 'links', folder: '/man', to: '/opt/r/current/dist/man/', made: ['a.1', 'b.1', 'c.1'], gone: ['old.1'] },
  { kind: 'remove', path: '/opt/r/0-ff', what: 'an old release' },
  { kind: 'stop', unit: 'reconciled.service' },
];

it('shows every change before it is made, files as diffs', () => {
  expect(installText(CHANGES, PLAIN)).toBe(`  + /opt/r/1-ab  2 files, 130MB
  ~ /opt/r/1-cd  1 files, 1MB, in place of what somebody has changed
  + /etc/x.service
      a
      b
  ~ /etc/y.service
      @@ -1,2 +1,2 @@
       a
      -b
      +c
  - /etc/z.service
  + /opt/r/current -> releases/1-ab
  ~ /usr/local/bin/reconcile -> /opt/r/current/dist/reconcile  (was a file)
  + /man/a.1 and 2 more -> /opt/r/current/dist/man/
  - /man/old.1
  - /opt/r/0-ff  an old release
  - reconciled.service  is stopped and does not start at boot any more; its services go on
`);
});

it('says the same to programs', () => {
  const json = installJson(CHANGES, true) as {
    readonly done: boolean;
    readonly changes: readonly { readonly kind: string }[];
  };
  expect(json.done).toBe(true);
  expect(json.changes.map(({ kind }) => kind)).toEqual(CHANGES.map(({ kind }) => kind));
  expect(json.changes[0]).toEqual({
    kind: 'release',
    path: '/opt/r/1-ab',
    was: 'absent',
    files: 2,
    bytes: 130_400_000,
  });
  expect(json.changes[5]).toEqual({ kind: 'link', path: '/opt/r/current', to: 'releases/1-ab', was: null });
});
