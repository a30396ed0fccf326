import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Signal } from '../../../../src/supervisors/shared/bus.ts';
import { News } from '../../../../src/supervisors/systemd/news.ts';
import { hear, newOwner } from '../../../../src/supervisors/systemd/signals.ts';

const manager = { sender: ':1.1', path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager' };
const signal = (member: string, body: readonly unknown[]): Signal => ({ ...manager, member, body });
const changed = (path: string, body: readonly unknown[]): Signal => ({
  ...signal('PropertiesChanged', body),
  path: `/org/freedesktop/systemd1/unit/${path}`,
});
const web = (properties: object) =>
  hear(changed('web_2eservice', ['org.freedesktop.systemd1.Unit', properties, ['Conditions']]));

describe('a signal of systemd', () => {
  it('is told in our words', () => {
    const properties = {
      ActiveState: 'active',
      SubState: 'running',
      Job: [7, '/job'],
      StateChangeTimestamp: 1_500_999,
    };
    expect(web(properties)).toEqual({
      kind: 'unit-changed',
      unit: 'web.service',
      active: 'active',
      sub: 'running',
      job: true,
      at: 1500,
    });
    expect(hear(signal('JobRemoved', [7, '/job/7', 'web.service', 'canceled']))).toEqual({
      kind: 'job-ended',
      unit: 'web.service',
      path: '/job/7',
      result: 'canceled',
    });
    expect(hear(signal('JobRemoved', [7, '/job/7', 'web.service', 'frozen']))).toMatchObject({ result: 'failed' });
    expect(hear(signal('UnitFilesChanged', []))).toEqual({ kind: 'unit-files-changed' });
    expect([true, false].map((active) => hear(signal('Reloading', [active]))?.kind)).toEqual(['reloading', 'reloaded']);
    expect(hear(signal('JobNew', [7, '/job/7', 'shutdown.target']))).toEqual({ kind: 'shutdown' });
  });

  it('of another shape, or not asked for, is nothing', () => {
    expect(hear(signal('JobRemoved', [7, 'web.service']))).toBeUndefined();
    expect(hear(signal('JobNew', [7, '/job/7', 'web.service']))).toBeUndefined();
    expect(hear(signal('Reloading', []))).toBeUndefined();
    expect(hear(signal('UnitRemoved', ['web.service', '/unit']))).toBeUndefined();
    expect(web({ ActiveState: 7 })).toBeUndefined();
    expect(hear({ ...changed('x', ['org.freedesktop.systemd1.Unit', {}, []]), path: '/else' })).toBeUndefined();
  });

  it('says who is systemd, where the bus itself says so', () => {
    const body = ['org.freedesktop.systemd1', ':1.1', ':1.9'];
    const bus = { path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus', member: 'NameOwnerChanged' };
    expect(newOwner({ ...bus, sender: 'org.freedesktop.DBus', body })).toBe(':1.9');
    expect(newOwner({ ...bus, sender: ':1.7', body })).toBeUndefined();
    const other = ['org.freedesktop.login1', ':1.1', ''];
    expect(newOwner({ ...bus, sender: 'org.freedesktop.DBus', body: other })).toBeUndefined();
  });
});

describe('news', () => {
  let news: News;
  const told = (unit: string, at: number) =>
    news.has({ kind: 'unit-changed', unit, active: 'active', sub: 'running', job: false, at });

  beforeEach(() => {
    vi.useFakeTimers();
    news = new News(90_000);
  });
  afterEach(() => vi.useRealTimers());

  it('is a unit that has come into another state, each time', () => {
    expect([told('a', 1), told('a', 1), told('b', 1), told('a', 2), told('a', 1)]).toEqual([
      true,
      false,
      true,
      true,
      true,
    ]);
  });

  it('is remembered of ten thousand units at most', () => {
    told('first', 1);
    for (let i = 0; i < 10_000; i++) told(`run-${i}.scope`, 1);
    expect(told('run-9999.scope', 1)).toBe(false);
    expect(told('first', 1)).toBe(true);
  });

  it('is none of units while systemd reloads, nor for longer than that can take', () => {
    news.has({ kind: 'reloading' });
    expect(told('a', 1)).toBe(false);
    expect(news.has({ kind: 'unit-files-changed' })).toBe(false);
    expect(news.has({ kind: 'shutdown' })).toBe(true);
    vi.advanceTimersByTime(90_000);
    expect(told('a', 1)).toBe(true);
    news.has({ kind: 'reloading' });
    news.has({ kind: 'reloaded' });
    expect(told('b', 1)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
