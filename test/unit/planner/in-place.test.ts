import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { styleFor } from '../../../src/cli/style.ts';
import { planJson, planText } from '../../../src/cli/views/plan.ts';
import { controlOf } from '../../../src/control/index.ts';
import type { Actual, Observed, Run, Service } from '../../../src/model.ts';
import { plan } from '../../../src/planner.ts';
import { actual, input, RUNNING, read, STOPPED, service } from './make.ts';

const PATH = '/etc/systemd/system/web.service';
const WRITTEN = { supersedes: [{ unit: 'web.service' }] } as const;
const UNKNOWN: Run = { ...RUNNING, definition: 'unknown' };

function web(state: Service['state'] = 'running', more: Partial<Service['written']> = {}): Service {
  return service('web', { supervisor: 'systemd', state, written: { ...WRITTEN, ...more } } as never);
}

/** Somebody else's unit of that name, as its supervisor reads it. */
function theirs(run: Run, superseded = true): Actual {
  return {
    kind: 'actual',
    id: 'web',
    owner: { kind: 'foreign', owner: PATH, ...(superseded ? { superseded } : {}) },
    definition: { hash: undefined, files: [{ path: PATH, text: 'theirs' }], boot: 'enabled' },
    run,
    restarts: 0,
  } as Actual;
}

function planned(own: Service, ...objects: readonly Actual[]) {
  const observed: Observed = new Map([
    ['builtin', read()],
    ['systemd', read(...objects)],
  ]);
  const given = input([own], observed);
  const definitions = new Map(
    [...given.definitions].map(([id, made]) => [
      id,
      { ...made, files: [{ path: PATH, text: 'ours' }], boot: 'enabled' as const },
    ]),
  );
  return { ...given, definitions };
}

const steps = (all: ReturnType<typeof plan>) =>
  all.steps.map(({ action, effect, files }) =>
    [action, effect, ...(files ?? []).map(({ from, to }) => `${from} -> ${to}`)].join(' '),
  );

describe('a unit of others that the service of its name may take the place of', () => {
  it('is taken over with its process, which no change of its definition restarts', () => {
    const made = plan(planned(web(), theirs(UNKNOWN)));
    expect(steps(made)).toEqual(['update pid unchanged theirs -> ours']);
    expect(made.held).toEqual([]);
    expect(made.notices).toEqual([]);
    expect(made.reloads).toEqual(['systemd']);
    expect(made.steps[0]?.reason).toEqual({ kind: 'superseded', things: ['web.service'] });
  });

  it('and then that process is told as one that may stem from anything, and is never a reason to restart', () => {
    const own = web();
    const given = planned(own);
    const now = actual(own, UNKNOWN, {
      definition: { ...given.definitions.get('web'), files: [{ path: PATH, text: 'ours' }], boot: 'enabled' } as never,
    });
    const made = plan(planned(own, now));
    expect(made.steps).toEqual([]);
    expect(made.notices.map(({ kind }) => kind)).toEqual(['unknown-process']);
    const forced = plan({ ...planned(own, now), restartStaged: true });
    expect(steps(forced)).toEqual(['restart restart']);
  });

  it('nothing of it is started, stopped or enabled beyond what Git says', () => {
    expect(steps(plan(planned(web('manual'), theirs(UNKNOWN))))).toEqual(['update pid unchanged theirs -> ours']);
    expect(steps(plan(planned(web('manual'), theirs(STOPPED))))).toEqual(['update none theirs -> ours']);
    expect(steps(plan(planned(web('stopped'), theirs(STOPPED))))).toEqual(['update none theirs -> ours']);
    expect(steps(plan(planned(web('stopped'), theirs(UNKNOWN))))).toEqual([
      'update pid unchanged theirs -> ours',
      'stop stop',
    ]);
    expect(steps(plan(planned(web('running'), theirs(STOPPED))))).toEqual(['replace start theirs -> ours']);
  });

  it('without that word it is left alone', () => {
    const made = plan(planned(web(), theirs(UNKNOWN, false)));
    expect(made.steps).toEqual([]);
    expect(made.held).toMatchObject([{ reason: { kind: 'foreign', owner: PATH } }]);
  });

  it('is not removed for `state: absent`, nor taken while ours is elsewhere', () => {
    expect(plan(planned(web('absent'), theirs(UNKNOWN)))).toMatchObject({
      steps: [],
      held: [{ reason: { kind: 'foreign' } }],
    });
    const elsewhere = planned(web(), theirs(UNKNOWN));
    const observed = new Map([...elsewhere.observed, ['builtin', read(actual(service('web')))] as const]);
    expect(plan({ ...elsewhere, observed })).toMatchObject({ steps: [], held: [{ reason: { kind: 'foreign' } }] });
  });

  it('is only told with `mode: observe`, by its name and what becomes of its process', () => {
    const given = planned(web('running', { mode: 'observe' }), theirs(UNKNOWN));
    const control = controlOf(given.desired, { freezes: [], approvals: [] } as never);
    const made = plan({ ...given, ...(control === undefined ? {} : { control }) });
    expect(made.steps).toEqual([]);
    const text = planText(made, { style: styleFor({ isTTY: false } as never), width: 100 });
    expect(text.replace(/\s+/g, ' ')).toContain(
      'its takeover of web.service, with its process, is only told: `mode: observe`',
    );
  });

  it('programs are told the same, as docs/plan.schema.json says', () => {
    const schema = JSON.parse(readFileSync(new URL('../../../docs/plan.schema.json', import.meta.url), 'utf8'));
    const validate = new Ajv2020({ allErrors: true, strict: false }).compile(schema);
    const given = planned(web('running', { mode: 'observe' }), theirs(UNKNOWN));
    const control = controlOf(given.desired, { freezes: [], approvals: [] } as never);
    for (const made of [plan(planned(web(), theirs(UNKNOWN))), plan({ ...given, ...(control && { control }) })])
      expect(validate(planJson(made)), JSON.stringify(validate.errors)).toBe(true);
  });

  it('a plan shows what is written, and where the old file is kept', () => {
    const text = planText(plan(planned(web(), theirs(UNKNOWN))), {
      style: styleFor({ isTTY: false } as never),
      width: 100,
    });
    expect(text).toContain('update, pid 4711 unchanged');
    expect(text).toContain('takes the place of web.service, whose files are kept as they were');
    expect(text).toContain('-theirs');
    expect(text).toContain('+ours');
  });
});
