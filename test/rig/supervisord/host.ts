import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHost, type Host, ownTime, until } from '../host.ts';

/** A host of a test's own with a real supervisord that others own, and `supervisors/dolphin.yaml` for it. */
export interface SupervisordHost extends Host {
  readonly config: string;
  /** The folder of our program files. */
  readonly include: string;
  readonly socket: string;
  readonly log: string;
  /** Writes `services/NAME.yaml` under that supervisord, quick to be ready where nothing else is said. */
  declare(name: string, content?: object): void;
  /** Starts it, and resolves when it answers. */
  start(): Promise<ChildProcess>;
  /** Ends it with all its programs. */
  stop(): Promise<void>;
  /** Makes it so: all it says; an error with that unless it ends with this code. */
  apply(code?: number, ...args: readonly string[]): Promise<string>;
  /** What a plan would do, what it holds and what it tells: `replace:web`, `! web drift`, `= web staged`. */
  plan(...args: readonly string[]): Promise<readonly string[]>;
  supervisorctl(...args: readonly string[]): Promise<string>;
  /** `NAME STATE` of all programs, as supervisorctl tells, by name. */
  states(): Promise<Readonly<Record<string, string>>>;
}

export interface SupervisordHostOptions {
  /** Sections besides, such as programs of others. */
  readonly more?: string;
  readonly chmod?: string;
}

export async function createSupervisordHost({
  more = '',
  chmod = '0700',
}: SupervisordHostOptions = {}): Promise<SupervisordHost> {
  const host = await createHost();
  const [config, include, socket, log] = ['supervisord.conf', 'conf.d', 'supervisor.sock', 'supervisord.log'].map(
    (name) => join(host.folder, name),
  ) as [string, string, string, string];
  mkdirSync(include);
  writeFileSync(
    config,
    `[supervisord]\nlogfile=${log}\npidfile=${host.folder}/supervisord.pid\nnodaemon=true\nminfds=1024\n` +
      // One that starts removes the logs that others have made up in the same folder.
      `childlogdir=${host.folder}\n` +
      `[unix_http_server]\nfile=${socket}\nchmod=${chmod}\n[supervisorctl]\nserverurl=unix://${socket}\n` +
      '[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n' +
      `${more}\n[include]\nfiles = ${include}/*.conf\n`,
  );
  host.write('supervisors/dolphin.yaml', { owned: false, config, include });
  let child: ChildProcess | undefined;
  const command = ['/bin/sleep', ownTime()];
  const supervisord: SupervisordHost = {
    ...host,
    config,
    include,
    socket,
    log,
    declare: (name, content = {}) =>
      host.write(name, {
        supervisor: 'supervisord/dolphin',
        command,
        start: { ready: '0s' },
        ...content,
      }),
    start: async () => {
      const started = spawn('supervisord', ['--nodaemon', '--configuration', config], { stdio: 'ignore', cwd: '/' });
      child = started;
      await until(() => existsSync(socket) || started.exitCode !== null);
      if (started.exitCode !== null) throw new Error(`supervisord ended with ${started.exitCode}`);
      return started;
    },
    stop: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
    apply: async (code = 0, ...args) => {
      const result = await host.reconcile(...args);
      const said = `${result.stdout}${result.stderr}`;
      if (result.code !== code) throw new Error(`reconcile ended with ${result.code}: ${said}`);
      return said.replace(/\s+/g, ' ');
    },
    plan: async (...args) => {
      const { stdout, stderr } = await host.reconcile('--dry-run', '--json', ...args);
      const { steps, held, notices } = JSON.parse(stdout || '{}') as Partial<PlanJson>;
      if (steps === undefined || held === undefined) throw new Error(`no plan: ${stdout}${stderr}`);
      return [
        ...steps.map(({ id }) => id),
        ...held.map(({ service, reason }) => `! ${service} ${reason.kind}`),
        ...(notices ?? []).map(({ service, kind }) => `= ${service} ${kind}`),
      ];
    },
    supervisorctl: (...args) =>
      new Promise((resolve) => {
        execFile('supervisorctl', ['-c', config, ...args], (_, stdout, stderr) => resolve(`${stdout}${stderr}`));
      }),
    states: async () => {
      const lines = (await supervisord.supervisorctl('status')).split('\n').filter((line) => line !== '');
      return Object.fromEntries(lines.map((line) => line.split(/\s+/, 2) as [string, string]));
    },
    [Symbol.asyncDispose]: async () => {
      await supervisord.stop();
      await host[Symbol.asyncDispose]();
      rmSync(host.folder, { recursive: true, force: true });
    },
  };
  return supervisord;
}

interface PlanJson {
  readonly steps: readonly { readonly id: string }[];
  readonly held: readonly { readonly service: string; readonly reason: { readonly kind: string } }[];
  readonly notices: readonly { readonly service: string; readonly kind: string }[];
}
