import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { Subject } from '../../../src/duels/samples.ts';
import { type Watch, watch } from '../../../src/duels/watch.ts';
import { until } from '../../rig/host.ts';

/** A number that no other process of this host has for an argument. */
const MARK = String(7_000_000 + process.pid);
const SUBJECT: Subject = { name: 'sleeper', handle: { kind: 'process', argv: ['sleep', MARK] } };

describe('a watch', () => {
  const children: ChildProcess[] = [];
  const sleeper = () => {
    const child = spawn('sleep', [MARK], { stdio: 'ignore' });
    children.push(child);
    return child;
  };
  const end = async (child: ChildProcess) => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  afterEach(async () => {
    await Promise.all(children.splice(0).map(end));
  });
  const generations = (eye: Watch) => eye.samples().generations;

  it('follows the main processes of a subject, one after another', async () => {
    const first = sleeper();
    await once(first, 'spawn');
    await until(() => first.pid !== undefined);
    await using eye = watch([SUBJECT]);
    await until(() => generations(eye).length === 1);
    await end(first);
    await until(() => generations(eye)[0]?.gone !== undefined);
    const second = sleeper();
    await until(() => generations(eye).length === 2);
    expect(generations(eye).map(({ process }) => process.pid)).toEqual([first.pid, second.pid]);
    const [one, two] = generations(eye);
    expect(one?.gone).toBeLessThanOrEqual(two?.firstSeen ?? 0);
    expect(two?.gone).toBe(undefined);
  });

  it('keeps nothing of what we start ourselves', async () => {
    await using eye = watch([SUBJECT]);
    const child = spawn('sh', ['-c', 'kill -0 $$; sleep 0.2; kill $$'], { stdio: 'ignore' });
    children.push(child);
    await once(child, 'exit');
    expect(eye.samples().jobs.filter(({ process }) => process.pid === child.pid)).toEqual([]);
  });

  it('sees nothing any more when it is aborted', async () => {
    const abort = new AbortController();
    await using eye = watch([SUBJECT], abort.signal);
    abort.abort();
    const before = eye.samples();
    sleeper();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(eye.samples()).toEqual(before);
  });
});
