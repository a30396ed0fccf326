import { expect, it } from 'vitest';
import { PLAIN } from '../../../src/cli/style.ts';
import { type Done, operatedJson, operatedText, touchText } from '../../../src/cli/views/touch.ts';
import type { Touch, Touched } from '../../../src/model.ts';

const reload: Touch = { kind: 'reload' };
const hup: Touch = { kind: 'signal', signal: 'SIGHUP', tree: false };
const one = (touch: Touch, more: Partial<Touched> = {}): Touched => ({
  ...{ service: 'web', supervisor: 'builtin', touch, outcome: { kind: 'done', pid: 77 }, took: 412.4, ended: false },
  ...more,
});
const problem = { code: 'touch-failed', summary: 'cannot reload api: its process ended by it', hint: 'use restart' };
const done: Done = {
  touched: [
    one(reload),
    one(reload, { service: 'api', ended: true, outcome: { kind: 'failed', problem } }),
    one(reload, {
      service: 'ui',
      outcome: {
        kind: 'skipped',
        problem: { code: 'skipped', summary: 'did not reload ui: api comes first and failed' },
      },
    }),
  ],
  over: [
    { service: 'a', why: 'it does not run (stopped)' },
    { service: 'b', why: 'it does not run (stopped)' },
  ],
};

it('tells each as it goes on, and what all came to, for people and programs', () => {
  const lines = [{ kind: 'touching', service: 'web', touch: reload } as const]
    .map((event) => touchText(event, PLAIN))
    .concat(done.touched.map((touched) => touchText({ kind: 'touched', touched }, PLAIN)));
  expect(lines).toEqual([
    '  web: reloading...',
    '  web: reloaded, pid 77 unchanged (0.41s)',
    '  api: failed (0.41s): cannot reload api: its process ended by it',
    '  ui: skipped: did not reload ui: api comes first and failed',
  ]);
  expect(operatedText(done, reload, { style: PLAIN, width: 80 })).toBe(`\
  passed over: a, b: it does not run (stopped)

1 reloaded, 1 failed, 1 skipped, 2 passed over.

cannot reload api: its process ended by it
  use restart
`);
  expect(operatedJson(done)).toEqual({
    services: [
      { service: 'web', supervisor: 'builtin', outcome: 'done', took: 412, ended: false, pid: 77 },
      { service: 'api', supervisor: 'builtin', outcome: 'failed', took: 412, ended: true, problem },
      {
        ...{ service: 'ui', supervisor: 'builtin', outcome: 'skipped', took: 412, ended: false },
        problem: { code: 'skipped', summary: 'did not reload ui: api comes first and failed' },
      },
    ],
    passedOver: done.over,
  });
});

it('tells whom a signal was sent to', () => {
  const tell = (touch: Touch, ended = false) => touchText({ kind: 'touched', touched: one(touch, { ended }) }, PLAIN);
  expect(touchText({ kind: 'touching', service: 'web', touch: hup }, PLAIN)).toBeUndefined();
  expect(tell(hup)).toBe('  web: SIGHUP sent to pid 77');
  expect(tell({ ...hup, tree: true } as Touch)).toBe('  web: SIGHUP sent to pid 77 and all below it');
  expect(tell({ ...hup, signal: 'SIGTERM' } as Touch, true)).toBe('  web: SIGTERM sent to pid 77; it ends by that');
  expect(operatedText({ touched: [one(hup)], over: [] }, hup, { style: PLAIN, width: 80 })).toBe('\n1 signalled.\n');
});

it('breaks long lines of what was passed over where 80 columns are too few, and not where 200 are enough', () => {
  const over = Array.from({ length: 12 }, (_, i) => ({ service: `worker-${i}`, why: 'it does not run (stopped)' }));
  const at = (width: number) => operatedText({ touched: [one(hup)], over }, hup, { style: PLAIN, width }).split('\n');
  expect(at(200)[0]).toMatch(/^ {2}passed over: worker-0, .*worker-11: it does not run \(stopped\)$/);
  const narrow = at(80);
  expect(narrow.every((line) => line.length <= 80)).toBe(true);
  expect(narrow.slice(0, 2).map((line) => /^ */.exec(line)?.[0].length)).toEqual([2, 4]);
});
