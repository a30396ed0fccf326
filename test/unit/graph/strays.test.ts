import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Declared } from '../../../src/graph/declared.ts';
import { match } from '../../../src/graph/match.ts';
import { straysOf } from '../../../src/graph/strays.ts';
import { NOBODY as P, processOf, tableOf } from './table.ts';

const declared = (id: string, command: readonly string[], more: Partial<Declared> = {}): Declared => ({
  id,
  supervisor: 'builtin',
  command,
  directory: '/opt/x',
  user: 'root',
  supersedes: [],
  ...more,
});
const WEB = declared('web', ['python3', 'web.py']);
const at = { cwd: '/opt/x' };
const pids = (...args: Parameters<typeof straysOf>) =>
  straysOf(...args).map(({ pid, match: { kind } }) => `${pid - P} ${kind}`);

it('finds a copy that somebody started, and not what its supervisor runs', () => {
  const table = tableOf([processOf(P, 'python3 web.py', at), processOf(P + 1, 'python3 -u web.py', at)]);
  expect(straysOf([WEB], new Set([P]), table)).toMatchObject([
    { service: 'web', pid: P + 1, start: (P + 1) * 10, match: { kind: 'exact' }, manager: { kind: 'unknown' } },
  ]);
});

it('leaves what descends from a service alone', () => {
  const fork = processOf(P + 1, 'python3 web.py', { ...at, ppid: P });
  const deeper = processOf(P + 2, 'python3 web.py', { ...at, ppid: P + 1 });
  expect(pids([WEB], new Set([P]), tableOf([processOf(P, 'python3 web.py', at), fork, deeper]))).toEqual([]);
});

it('names the outermost of several in one line', () => {
  const wrapper = processOf(P, 'timeout 60 python3 web.py', at);
  const child = processOf(P + 1, 'python3 web.py', { ...at, ppid: P });
  expect(pids([WEB], new Set(), tableOf([wrapper, child]))).toEqual(['0 exact']);
});

it('leaves innocent processes alone, and tells of likely ones as likely', () => {
  const table = tableOf([
    processOf(P, 'vim web.py', at),
    processOf(P + 1, 'python3 web.py', { cwd: '/home/me' }),
    processOf(P + 2, 'tail -f web.log', at),
    processOf(P + 3, 'python3 web.py', { ...at, user: 'me', uid: 1000 }),
  ]);
  expect(pids([WEB], new Set(), table)).toEqual(['3 likely']);
});

it('takes what is exactly one service for no other', () => {
  const [a, b] = [declared('a', ['python3', 'm.py']), declared('b', ['python3', 'm.py', 'worker'])];
  const table = tableOf([processOf(P, 'python3 m.py worker', at)]);
  expect(straysOf([a, b], new Set(), table).map(({ service }) => service)).toEqual(['b']);
});

it('never finds exact what does not match exactly, nor anything below a known process', () => {
  const argv = fc.array(
    fc.constantFrom('python3', 'web.py', '/opt/x/web.py', '-u', 'vim', 'env', 'a', 'sh', '-c', 'x'),
    {
      maxLength: 5,
    },
  );
  const one = fc.record({
    argv,
    parent: fc.nat(12),
    cwd: fc.constantFrom('/opt/x', '/', '/home/me'),
    user: fc.constantFrom('root', 'me'),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 12 }), fc.uniqueArray(fc.nat(11), { maxLength: 3 }), (list, known) => {
      // A parent is older than its child.
      const processes = list.map(({ parent, ...more }, i) =>
        processOf(P + i, more.argv, {
          ...more,
          uid: more.user === 'root' ? 0 : 1000,
          ppid: parent < i ? P + parent : 1,
        }),
      );
      const table = tableOf(processes);
      const pidsKnown = new Set(known.map((i) => P + i));
      for (const stray of straysOf([WEB], pidsKnown, table)) {
        const process = table.get(stray.pid);
        if (process === undefined) throw new Error('it is nobody');
        const line = [process, ...table.ancestorsOf(stray.pid)];
        expect(line.some(({ pid }) => pidsKnown.has(pid))).toBe(false);
        const { command = [], directory, user } = WEB;
        expect(match(process, { command, directory, user }).kind).toBe(stray.match.kind);
        if (stray.match.kind === 'exact')
          expect([process.user, process.argv.at(-1)?.split('/').at(-1)]).toEqual(['root', 'web.py']);
      }
    }),
  );
});
