import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Jobs } from '../../../../src/supervisors/systemd/jobs.ts';

const never = new AbortController().signal;
let there: Record<string, boolean | Error>;
let jobs: Jobs;

beforeEach(() => {
  vi.useFakeTimers();
  there = {};
  jobs = new Jobs(async (path, act) => {
    const answer = there[path] ?? true;
    if (answer instanceof Error) throw new Error(`cannot ${act}: ${answer.message}`);
    return answer;
  });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

it('tells each who waits for a job how it ended', async () => {
  const [one, same, other] = ['/1', '/1', '/2'].map((path) => jobs.run('start', async () => path, never));
  await vi.advanceTimersByTimeAsync(0);
  jobs.ended('/1', 'done');
  jobs.ended('/2', 'dependency');
  expect(await Promise.all([one, same, other])).toEqual(['done', 'done', 'dependency']);
});

it('keeps what ends before its job has a name, and forgets it then', async () => {
  const names = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const ends = names.map(({ promise }) => jobs.run('start', () => promise, never));
  jobs.ended('/2', 'failed');
  names[0]?.resolve('/1');
  await vi.advanceTimersByTimeAsync(0);
  names[1]?.resolve('/2');
  expect(await ends[1]).toBe('failed');
  const late = jobs.run('start', async () => '/2', never);
  await vi.advanceTimersByTimeAsync(0);
  jobs.ended('/1', 'done');
  jobs.ended('/2', 'done');
  expect(await Promise.all([ends[0], late])).toEqual(['done', 'done']);
});

it('asks now and then for those that it waits for, and is told of those that are gone', async () => {
  const ends = ['/1', '/2'].map((path) => jobs.run('start', async () => path, never));
  await vi.advanceTimersByTimeAsync(25_000);
  there['/1'] = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await ends[0]).toBe('unseen');
  jobs.ended('/2', 'timeout');
  expect(await ends[1]).toBe('timeout');
});

it('fails where it can’t know', async () => {
  const end = jobs.run('start web.service', async () => '/1', never);
  await vi.advanceTimersByTimeAsync(0);
  there['/1'] = new Error('the bus went away');
  jobs.askAfterAll();
  await expect(end).rejects.toThrow('cannot start web.service: the bus went away');
  await expect(jobs.run('start', () => Promise.reject(new Error('no')), never)).rejects.toThrow('no');
});

it('is interrupted at once, before and after the job has a name', async () => {
  const abort = new AbortController();
  const name = Promise.withResolvers<string>();
  const named = jobs.run('start', async () => '/1', abort.signal);
  const unnamed = jobs.run('start', () => name.promise, abort.signal);
  await vi.advanceTimersByTimeAsync(0);
  abort.abort();
  expect(await Promise.all([named, unnamed])).toEqual(['interrupted', 'interrupted']);
  name.resolve('/2');
  await vi.advanceTimersByTimeAsync(0);
  const ask = vi.fn(async () => '/3');
  expect(await jobs.run('start', ask, abort.signal)).toBe('interrupted');
  expect(ask).not.toHaveBeenCalled();
});
