import { describe, expect, it } from 'vitest';
import { PLAIN } from '../../../src/cli/style.ts';
import { type EditShown, editEnd, editJson, editText, titleOf } from '../../../src/cli/views/edit.ts';
import type { Plan } from '../../../src/model.ts';

const plan: Plan = {
  revision: { content: 'c' },
  fingerprint: 'f',
  steps: [],
  held: [],
  notices: [],
} as unknown as Plan;
const field = { subject: 'web', field: 'umask', from: '022', to: '027', file: 'services/web.yaml' } as const;
const change = { path: 'services/web.yaml', from: 'a: 1\numask: "022"\n', to: 'a: 1\numask: "027"\n' };
const shown: EditShown = {
  changes: [change],
  fields: [field],
  notes: ['hosts/h/services/web.yaml says web.umask otherwise, and that stays in force on this host'],
  written: false,
  commands: ['git -C /d add services/web.yaml', "git -C /d commit -m 'set web.umask=027'"],
  plan,
};
const end = (more: Partial<EditShown>, daemon = false, committedOnly = false) =>
  editEnd({ ...shown, ...more, daemon, committedOnly });

describe('an edit', () => {
  it('is shown as a diff, what is to be known of it, and the plan', () => {
    expect(editText(shown, { style: PLAIN, width: 80 })).toBe(`--- services/web.yaml
+++ services/web.yaml
@@ -1,2 +1,2 @@
 a: 1
-umask: "022"
+umask: "027"

hosts/h/services/web.yaml says web.umask otherwise, and that stays in force on this host

No changes: everything is as desired.

`);
    const { plan: _, ...unplanned } = shown;
    const noPlan = [{ code: 'x', summary: 'cannot read it' }];
    expect(editText({ ...unplanned, notes: [], noPlan }, { style: PLAIN, width: 80 })).toContain(
      'What it would do here cannot be told:\ncannot read it\n',
    );
    expect(editText({ ...unplanned, changes: [], notes: [] }, { style: PLAIN, width: 80 })).toBe('');
  });

  it('says how it ended, and what is next', () => {
    const keep = `  ${shown.commands.join('\n  ')}\n`;
    expect(end({})).toBe('Nothing was written.\n');
    expect(end({ changes: [] })).toBe('Nothing to write: it is so already.\n');
    expect(end({ written: true })).toBe(`Written. To make it so: reconcile\nTo keep it:\n${keep}`);
    expect(end({ written: true, commands: [] })).toBe('Written. To make it so: reconcile\n');
    expect(end({ written: true }, true)).toBe(`Written. The daemon looks at it now.\nTo keep it:\n${keep}`);
    expect(end({ written: true }, true, true)).toBe(`Written. It counts once it is committed:\n${keep}`);
    const committed = { commit: '3f0c9a1b2d3e4f5a6b7c', branch: 'main' };
    expect(end({ written: true, committed }, true)).toBe(
      'Committed 3f0c9a1b2d3e on main. The daemon looks at it now.\n',
    );
    expect(end({ elsewhere: { url: 'git@h:r.git', ref: 'main', path: 'hosts/a' } })).toContain(
      'Make this change there:\n  git@h:r.git, main, in hosts/a/\n',
    );
  });

  it('is the same for programs, secrets masked', () => {
    const secret = { ...field, field: 'environment.DB_PASSWORD', from: 'old', to: undefined };
    expect(editJson({ ...shown, fields: [field, secret], written: true })).toMatchObject({
      written: true,
      fields: [
        { name: 'web', field: 'umask', from: '022', to: '027', file: 'services/web.yaml' },
        { name: 'web', field: 'environment.DB_PASSWORD', from: '***', to: null },
      ],
      files: [change],
      commit: null,
      commands: shown.commands,
    });
  });

  it('has a title that fits a commit', () => {
    expect(titleOf([field], false)).toBe('set web.umask=027');
    expect(titleOf([{ ...field, to: undefined }], true)).toBe('unset web.umask');
    const many = ['description', 'group', 'user'].map((name) => ({ ...field, field: name, to: 'x'.repeat(30) }));
    expect(titleOf(many, false).split('\n')[0]).toBe('set 3 fields of web');
    expect(titleOf([{ ...field, field: 'command', to: ['sleep', '5'] }], false)).toBe('set web.command=["sleep","5"]');
  });
});
