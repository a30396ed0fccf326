import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import {
  beganAt,
  childPidsOf,
  commandOf,
  dead,
  listPids,
  lives,
  parseStat,
  statOf,
  variableOf,
} from '../../../src/host/procfs.ts';

it('a stat line is read whatever the name of the process holds', () => {
  const rest = Array.from({ length: 40 }, (_, i) => i);
  const line = `4242 (a) S (b\n)) S 1 17 18 ${rest.slice(4).join(' ')}`;
  expect(parseStat(line)).toMatchObject({ pid: 4242, state: 'S', ppid: 1, pgrp: 17, session: 18, start: 19 });
});

it.each(['', '0 (x) S 1 1 1', '1', '77', '77 (half) S 1'])('half a stat line is none: %j', (line) => {
  expect(parseStat(line)).toBeUndefined();
});

it('a process is known by pid and start time, and is dead once it has ended', async () => {
  const before = Date.now();
  const child = spawn('sleep', ['1000'], { env: { FIRST: '1', LONG: 'x'.repeat(100_000), LAST: 'ü' } });
  try {
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const stat = statOf(pid);
    expect(stat).toMatchObject({ pid, ppid: process.pid });
    expect(listPids()).toContain(pid);
    expect(commandOf(pid)).toEqual(['sleep', '1000']);
    expect(variableOf(pid, 'FIRST')).toBe('1');
    expect(variableOf(pid, 'LONG')).toHaveLength(100_000);
    expect(Buffer.from(variableOf(pid, 'LAST') ?? '', 'latin1').toString('utf8')).toBe('ü');
    expect(variableOf(pid, 'IRST')).toBeUndefined();
    const start = stat?.start ?? 0;
    // Within less than a second: whether it was started before or after something was edited depends on it.
    expect(beganAt({ pid, start })).toBeGreaterThan(before - 50);
    expect(beganAt({ pid, start })).toBeLessThan(Date.now() + 50);
    expect(lives({ pid, start })).toBe(true);
    expect(lives({ pid, start: start + 1 })).toBe(false);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    expect(lives({ pid, start })).toBe(false);
  } finally {
    child.kill('SIGKILL');
  }
});

it('what is not there is nothing, and no error', () => {
  expect(statOf(2 ** 30)).toBeUndefined();
  expect(commandOf(2 ** 30)).toEqual([]);
  expect(variableOf(2 ** 30, 'PATH')).toBeUndefined();
});

it('a zombie is dead', () => {
  expect(dead({ pid: 2, start: 1, state: 'Z', ppid: 1, pgrp: 1, session: 1 })).toBe(true);
});

it('finds all children of a process, though the kernel tells of some 700 at a time', async () => {
  const parent = spawn(
    '/bin/sh',
    ['-c', 'i=0; while [ $i -lt 900 ]; do sleep 1000 & i=$((i+1)); done; echo all; wait'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    },
  );
  try {
    await once(parent.stdout, 'data');
    expect(childPidsOf(parent.pid ?? 0)).toHaveLength(900);
  } finally {
    process.kill(-(parent.pid ?? 0), 'SIGKILL');
  }
});
