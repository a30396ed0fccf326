import { describe, expect, it } from 'vitest';
import type { Definition, Service } from '../../../../src/model.ts';
import { definitionOf } from '../../../../src/supervisors/supervisord/define.ts';
import { idOfAny, mayBeIn, poolOf } from '../../../../src/supervisors/supervisord/pool.ts';
import { fileOf, raw, service } from './make.ts';

const LISTENER = raw(['eventlistener', 'events', 'TICK_5']);

function instance(number: number, written: Partial<Service['written']>, all = 3): Service {
  return { ...service({ ...LISTENER, instances: all, ...written }), id: `web@${number}`, instance: number };
}

function textOf(one: Service): string {
  return fileOf(one).text;
}

/** Its section, line by line. */
function sectionOf(one: Service): readonly string[] {
  const [, section = ''] = /\n(\[[^\n]+\](?:\n[^\n]+)+)\n\n; \[X-Reconciled\]/.exec(textOf(one)) ?? [];
  return section.split('\n');
}

describe('instances of an event listener', () => {
  it('are processes of one section, which each of their files has', () => {
    const lines = sectionOf(instance(1, {}));
    expect(lines.slice(0, 4)).toEqual([
      '[eventlistener:web@pool]',
      'process_name=web@%(process_num)d',
      'numprocs=3',
      'numprocs_start=1',
    ]);
    expect(sectionOf(instance(2, {}))).toEqual(lines);
    expect(textOf(instance(2, {}))).toContain('; Stamp=v1:default:web:2:');
  });

  it('are told apart by their number: what they are, where they log, how they wait', () => {
    const text = sectionOf(instance(2, { restart: { backoff: { initial: '2s' } } })).join('\n');
    expect(text).toContain('RECONCILED_INSTANCE="%(process_num)d"');
    expect(text).toMatch(/RECONCILED_DEFINITION="v1:default:web:%\(process_num\)d:[0-9a-f]{16}"/);
    expect(text).toMatch(/\nstdout_logfile=\S+\/web@%\(process_num\)d\.log\n/);
    expect(text).toContain('main.web@%(process_num)d');
  });

  it('keep what looks like their number', () => {
    const text = textOf(instance(1, { command: ['/bin/x', '7000000', '70000007'], environment: { A: 'web@7000000' } }));
    expect(text).toContain('/bin/x 7000000 70000007');
    expect(text).toContain('A="web@7000000"');
    expect(idOfAny('web@1', 'a 7000000', 'b 70000007')).toEqual({ id: 'web@700000077', mark: '700000077' });
  });

  it('are changed together, and another number of them is a change', () => {
    const of = (one: Service) => definitionOf(one) as Definition;
    const [one, two] = [of(instance(1, {})), of(instance(2, {}))];
    expect([one.pool, two.pool, one.hash]).toEqual(['web@pool', 'web@pool', two.hash]);
    expect(of(instance(1, {}, 4)).hash).not.toBe(one.hash);
    expect(poolOf('web@1', one.fields)).toBe('web@pool');
  });

  it('are a pool where there is one', () => {
    expect(sectionOf(instance(1, {}, 1))[2]).toBe('numprocs=1');
  });
});

describe('what is no pool', () => {
  it('is a service without instances, and instances of a program', () => {
    const alone = definitionOf(service(LISTENER)) as Definition;
    const programs = definitionOf(instance(1, { raw: {} })) as Definition;
    expect([alone.pool, programs.pool]).toEqual([undefined, undefined]);
    expect(poolOf('web@1', programs.fields)).toBeUndefined();
  });

  it('has no process of its name', () => {
    expect([mayBeIn('web@1', 'web@pool'), mayBeIn('web', 'web@pool'), mayBeIn('web@1', 'web@1')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
