import { rmSync } from 'node:fs';
import { stringify } from 'yaml';
import type { Held, Notice, Step } from '../../../src/model.ts';
import type { SystemdHost } from '../../rig/systemd/host.ts';
import { type Shown, sh, show } from '../../rig/systemd/units.ts';

/** A plan as `--json` gives it. */
export interface PlanJson {
  readonly steps: readonly Omit<Step, 'seen' | 'target'>[];
  readonly held: readonly Held[];
  readonly notices: readonly Notice[];
  readonly reloads?: readonly string[];
}

export interface Planned {
  readonly code: number | null;
  readonly plan: PlanJson;
}

export interface Applied extends Planned {
  /** The services with steps that were not done, and why. */
  readonly undone: readonly { readonly service: string; readonly why: string | undefined }[];
}

interface ReportJson {
  readonly plan: PlanJson;
  readonly steps: readonly {
    readonly id: string;
    readonly outcome: string;
    readonly problem?: { readonly summary: string };
  }[];
}

/** The program of all services: fails while /run/fail/NAME is there, and else does nothing for ever. */
const WORKER = '/usr/local/bin/worker';
const WORKER_TEXT = `#!/bin/sh
[ -e "/run/fail/$1" ] && exit 3
exec sleep infinity
`;

/** For tests in a hurry. */
const QUICK = {
  start: { ready: '20ms', retries: 0 },
  restart: { backoff: { initial: '20ms', factor: 1, max: '1s' }, limit: { restarts: 2, within: '10m' } },
};

/** For one whose start is to fail: on a busy host that, and giving it up before it is tried again, may take its time. */
export const PATIENT = {
  start: { ready: '2s', retries: 0 },
  restart: { backoff: { initial: '5s', factor: 1, max: '5s' } },
};

/** Many services, of ours and of others, on one host. What is changed by hand is healed unless a service says otherwise. */
export class Fleet {
  readonly host: SystemdHost;

  constructor(host: SystemdHost) {
    this.host = host;
    host.write(WORKER, WORKER_TEXT, 0o755);
    this.policy({});
  }

  policy(settings: object): void {
    this.#write('policy.yaml', { drift: 'heal', ...settings });
  }

  /** Declares a service of ours. `MARK` in a process says that it was started as Git has it. */
  declare(name: string, settings: object = {}): void {
    const own = { supervisor: 'systemd', command: [WORKER, name], environment: { MARK: 'declared' }, ...QUICK };
    this.#write(`services/${name}.yaml`, { ...own, ...settings });
  }

  /** Declares what a unit of others should be. */
  declareUnit(name: string, unit: string, settings: object): void {
    this.#write(`services/${name}.yaml`, { supervisor: 'systemd', unit: `${unit}.service`, ...settings });
  }

  undeclare(...names: readonly string[]): void {
    for (const name of names) rmSync(this.host.path(`/root/desired-state/services/${name}.yaml`));
  }

  #write(path: string, content: object): void {
    this.host.write(`/root/desired-state/${path}`, stringify(content));
  }

  /** Writes a unit of somebody else, by default where packages have theirs. */
  install(unit: string, { folder = '/usr/lib/systemd/system', install = [] as readonly string[] } = {}): void {
    const lines = ['[Unit]', `Description=${unit} of others`, '[Service]', `ExecStart=${WORKER} ${unit}`];
    const text = [...lines, '[Install]', 'WantedBy=multi-user.target', ...install].join('\n');
    this.host.write(`${folder}/${unit}.service`, `${text}\n`);
  }

  /** The next start of a service fails, until all are mended. */
  breakdown(name: string): void {
    this.host.write(`/run/fail/${name}`, '');
  }

  mend(): void {
    rmSync(this.host.path('/run/fail'), { recursive: true, force: true });
    this.host.write('/run/fail/.keep', '');
  }

  async apply(...args: readonly string[]): Promise<Applied> {
    const { code, stdout, stderr } = await this.host.reconcile(...args, '--json');
    const { plan, steps } = parse<ReportJson>(stdout, stderr);
    const undone = steps.flatMap(({ id, outcome, problem }) =>
      outcome === 'done' ? [] : [{ service: id.split(':')[1] ?? id, why: problem?.summary }],
    );
    return { code, plan, undone };
  }

  async dryRun(): Promise<Planned> {
    const { code, stdout, stderr } = await this.host.reconcile('--dry-run', '--json');
    return { code, plan: parse<PlanJson>(stdout, stderr) };
  }

  show(units: readonly string[]): Promise<ReadonlyMap<string, Shown>> {
    return show(this.host, units);
  }

  async pid(unit: string): Promise<number> {
    return (await this.show([unit])).get(unit)?.pid ?? 0;
  }

  /** Everything that an apply may change: all units with their processes, and all files of units with what they hold. */
  async snapshot(): Promise<string> {
    // systemd tells of units in an order of its own, another one after each reload.
    const script = `systemctl show '*.service' --property=Id,LoadState,ActiveState,MainPID,UnitFileState |
        awk 'BEGIN { RS = "" } { gsub(/\\n/, " "); print }' | sort
      cd /etc/systemd/system; find . -printf '%p %l %T@\\n' | sort; find . -type f | sort | xargs sha256sum`;
    return sh(this.host, script);
  }
}

/** What a plan says of one service, for people who read why a test failed. */
export function said({ steps, held, notices }: PlanJson, name: string): string {
  const about = <T extends { readonly service: string }>(all: readonly T[]) =>
    all.filter(({ service }) => service === name);
  return JSON.stringify([
    ...about(steps).map(({ id, effect, reason, files, boot }) => ({ id, effect, reason, files: files?.length, boot })),
    ...about(held),
    ...about(notices),
  ]);
}

function parse<T>(stdout: string, stderr: string): T {
  try {
    return JSON.parse(stdout) as T;
  } catch {
    throw new Error(`no JSON: ${stdout}${stderr}`);
  }
}
