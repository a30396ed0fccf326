import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { PLAIN } from '../../src/cli/style.ts';
import { planJson, planText } from '../../src/cli/views/plan.ts';
import type { Approval } from '../../src/control/approvals.ts';
import type { Freeze } from '../../src/control/freeze.ts';
import type { PersonHold } from '../../src/control/holds.ts';
import { controlOf } from '../../src/control/index.ts';
import { openWindows } from '../../src/control/windows.ts';
import { load } from '../../src/desired/load.ts';
import type {
  Definition,
  Desired,
  Held,
  Observed,
  Plan,
  Reading,
  Service,
  ServiceId,
  SupervisorName,
} from '../../src/model.ts';
import type { Stray } from '../../src/planner/declared.ts';
import type { Hold } from '../../src/planner/drift.ts';
import type { GateState } from '../../src/planner/gates.ts';
import type { InPlace } from '../../src/planner/handover.ts';
import type { Given } from '../../src/planner/leftovers.ts';
import { type PlanInput, plan } from '../../src/planner.ts';
import type { Problem } from '../../src/problem.ts';
import { BUILTIN_FIELDS } from '../../src/supervisors/builtin/fields.ts';
import { defineBy } from '../../src/supervisors/fields.ts';
import { FIELDS } from '../../src/supervisors/index.ts';
import { definitionOf } from '../../src/supervisors/supervisord/define.ts';
import { SUPERVISORD_FIELDS } from '../../src/supervisors/supervisord/fields.ts';
import { defineWhole } from '../../src/supervisors/systemd/whole.ts';
import { type Quarantine, type Quarantined, withQuarantine } from '../../src/verify/quarantine.ts';

/**
 * One folder for each case: `desired-state/`, `observed.json` (a reading for each supervisor) and, where needed,
 * `options.json` give `plan.txt` and `plan.json`. UPDATE_GOLDEN=1 writes these two anew: read them before you commit.
 */
const CASES = new URL('plan/', import.meta.url).pathname;
const UPDATE = process.env.UPDATE_GOLDEN === '1';

interface Options {
  readonly only?: readonly string[];
  readonly asked?: readonly ServiceId[];
  readonly restartStaged?: boolean;
  readonly blocked?: Readonly<Record<ServiceId, Problem>>;
  readonly hostname?: string;
  /** Services that Git has not changed since they were last as it wanted, and those left as somebody made them. */
  readonly settled?: readonly ServiceId[];
  readonly untried?: readonly ServiceId[];
  readonly holds?: Readonly<Record<ServiceId, Hold>>;
  /** What stands in the place of services; how each would be defined meanwhile is made here. */
  readonly inPlace?: Readonly<Record<ServiceId, InPlace>>;
  readonly given?: Readonly<Record<ServiceId, Given>>;
  readonly strays?: readonly Stray[];
  readonly conflicts?: PlanInput['conflicts'];
  readonly duels?: Readonly<Record<ServiceId, Extract<Held['reason'], { kind: 'duel' }>>>;
  /** What people have decided, and what the clock says (ISO 8601): needed where there are change windows. */
  readonly freezes?: readonly Freeze[];
  readonly approvals?: readonly Approval[];
  readonly override?: boolean;
  readonly now?: string;
  /** What people hold, at the time `now`. */
  readonly persons?: readonly PersonHold[];
  readonly stops?: readonly ServiceId[];
  readonly restarts?: readonly ServiceId[];
  /** What gates said that were asked. */
  readonly gates?: Readonly<Record<ServiceId, GateState>>;
  /** What is not as Git says, though it could be. */
  readonly quarantine?: Readonly<
    Record<ServiceId, Omit<Quarantined, 'to'> & { readonly to: 'before' | 'absent' | 'as-git' }>
  >;
  /** Digests of host files, which are not there in a test. */
  readonly inputs?: Readonly<Record<ServiceId, Readonly<Record<string, string>>>>;
}

const SYSTEMD = { manager: 'system', unitDir: '/etc/systemd/system', owner: 'default', version: 252 } as const;

const validate = new Ajv2020({ allowUnionTypes: true, strict: false }).compile(
  JSON.parse(readFileSync(new URL('../../docs/plan.schema.json', import.meta.url), 'utf8')),
);

/** Files of programs depend on the users of a host, and so are left out. */
function defined(service: Service): Definition | Problem[] {
  switch (service.supervisor) {
    case 'systemd':
      return defineWhole(service, SYSTEMD);
    case 'builtin':
      return defineBy(BUILTIN_FIELDS, 'builtin', service);
    default:
      return definitionOf(service);
  }
}

/** `to: before` is what `before/` says of it. */
async function quarantineOf(folder: string, { revision }: Desired, options: Options): Promise<Quarantine | undefined> {
  if (options.quarantine === undefined) return undefined;
  const before = await load({ directory: join(folder, 'before'), hostname: 'host' });
  const services = before.kind === 'valid' ? before.desired.services : [];
  const entries = Object.entries(options.quarantine).map(([id, { to, ...entry }]): [ServiceId, Quarantined] => {
    const was = services.find((service) => service.id === id);
    if (to === 'before' && was === undefined) throw new Error(`nothing was ${id}`);
    return [id, { ...entry, to: to === 'before' ? (was as Service) : to }];
  });
  return { of: revision, at: 0, by: 'verify', services: Object.fromEntries(entries) };
}

async function planOf(folder: string): Promise<Plan> {
  const json = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const options = (existsSync(join(folder, 'options.json')) ? json('options.json') : {}) as Options;
  const loaded = await load({ directory: join(folder, 'desired-state'), hostname: options.hostname ?? 'host' });
  if (loaded.kind === 'invalid') throw new Error(loaded.problems.map(({ summary }) => summary).join('\n'));
  const services = loaded.desired.services.map((s) => ({ ...s, inputs: options.inputs?.[s.id] ?? {} }));
  // How the files' digest is made is no matter here.
  const git: Desired = { ...loaded.desired, services, revision: { content: '0123456789abcdef' } };
  const desired = withQuarantine(git, await quarantineOf(folder, git, options));
  const definitions = desired.services
    .filter(({ state }) => state !== 'absent')
    .map((service): [ServiceId, Definition] => {
      const definition = defined(service);
      if (Array.isArray(definition)) throw new Error(definition.map(({ summary }) => summary).join('\n'));
      return [service.id, definition as Definition];
    });
  const observed: Observed = new Map(Object.entries(json('observed.json') as object) as [SupervisorName, Reading][]);
  const { windows } = desired.policy.written;
  const { freezes = [], approvals = [], override = false, now = '' } = options;
  const control = controlOf(desired, {
    ...{ freezes, approvals, override },
    holds: { all: options.persons ?? [], now: Date.parse(now) },
    windows: windows && openWindows(windows, Date.parse(now)),
  });
  return plan({
    desired,
    ...(control === undefined ? {} : { control: { ...control, gates: new Map(Object.entries(options.gates ?? {})) } }),
    definitions: new Map(definitions),
    fields: new Map([...FIELDS, ['supervisord/dolphin', SUPERVISORD_FIELDS]]),
    observed,
    blocked: new Map(Object.entries(options.blocked ?? {})),
    asked: new Set(options.asked),
    stops: new Set(options.stops),
    restarts: new Set(options.restarts),
    settled: new Set(options.settled),
    restartStaged: options.restartStaged === true,
    untried: new Set(options.untried),
    holds: new Map(Object.entries(options.holds ?? {})),
    inPlace: new Map(
      desired.services.map((service) => {
        const interim =
          service.state === 'absent' ? undefined : (defined({ ...service, autostart: false }) as Definition);
        const place = options.inPlace?.[service.id] ?? { things: [], soak: 30_000, patience: 10_000 };
        return [service.id, { ...place, ...(interim === undefined ? {} : { interim }) }];
      }),
    ),
    given: new Map(Object.entries(options.given ?? {})),
    strays: options.strays ?? [],
    conflicts: options.conflicts ?? [],
    duels: new Map(Object.entries(options.duels ?? {})),
    only: options.only && new Set(options.only),
  });
}

describe('plans as they are shown', () => {
  const cases = readdirSync(CASES).sort();

  it('has at least 40 cases', () => {
    expect(cases.length).toBeGreaterThanOrEqual(40);
  });

  it.each(cases)('%s', async (name) => {
    const folder = join(CASES, name);
    const made = await planOf(folder);
    const views = {
      'plan.txt': planText(made, { style: PLAIN, width: 80 }),
      'plan.json': `${JSON.stringify(planJson(made), null, 2)}\n`,
    };
    expect(validate(planJson(made)), JSON.stringify(validate.errors)).toBe(true);
    for (const [file, text] of Object.entries(views)) {
      const path = join(folder, file);
      if (UPDATE) writeFileSync(path, text);
      expect(text).toBe(readFileSync(path, 'utf8'));
      // Programs keep to 80 columns for people, but never break a word that somebody may copy.
      if (file === 'plan.txt')
        // Lines of a file are shown as they are.
        for (const line of text.split('\n')) {
          if (line.length > 80 && !/^ {6}[-+ ]/.test(line)) expect(line.trim()).not.toContain(' ');
        }
    }
  });
});

it('refuses a plan that is not as docs/plan.schema.json says', () => {
  expect(validate({ version: 1, revision: 'x', fingerprint: 'ab', steps: [{}], held: [], notices: [] })).toBe(false);
  const held = [{ service: 'web', supervisor: 'builtin', reason: { kind: 'needs' } }];
  expect(validate({ version: 1, revision: 'x', fingerprint: 'ab', steps: [], held, notices: [] })).toBe(false);
});
