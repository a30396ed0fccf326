import type { Instance, OwnedInstance } from '../../../../src/instance.ts';
import type { Definition, HostFile, Service } from '../../../../src/model.ts';
import { define } from '../../../../src/supervisors/supervisord/define.ts';
import { service as anyService } from '../../planner/make.ts';

export const OWNED: OwnedInstance = {
  socket: { path: '/run/main/supervisor.sock', mode: 0o700 },
  log: { path: '/var/log/main/supervisord.log', maxSize: 50_000_000, keep: 10, level: 'info' },
  pidFile: '/run/main/supervisord.pid',
  command: 'supervisord',
  user: undefined,
  minfds: 1024,
  minprocs: 200,
  boot: 'systemd',
  changes: 'staged',
};

export const INSTANCE: Instance = {
  name: 'main',
  supervisor: 'supervisord/main',
  file: 'supervisors/main.yaml',
  config: '/etc/main/supervisord.conf',
  include: '/etc/main/conf.d',
  allowInsecureSocket: false,
  owned: OWNED,
};

export const OTHERS: Instance = { ...INSTANCE, owned: undefined };

type Written = Partial<Service['written']>;

export function service(written: Written, more: Partial<Omit<Service, 'written'>> = {}): Service {
  return anyService('web', { supervisor: 'supervisord/main', ...more, written });
}

export type RawLine = readonly [section: string, key: string, value: string | number | boolean];

/** Raw lines, which the generated types don't know. */
export function raw(...supervisord: RawLine[]): Written {
  return { raw: { supervisord } as unknown as NonNullable<Written['raw']> };
}

export function defined(service: Service, instance = INSTANCE): Definition {
  const definition = define(service, { instance, owner: 'default', logDir: '/var/log/reconciled' });
  if (Array.isArray(definition)) throw new Error(definition.map(({ summary }) => summary).join('; '));
  return definition as Definition;
}

export function fileOf(service: Service, instance = INSTANCE): HostFile {
  const [file, ...others] = defined(service, instance).files ?? [];
  if (file === undefined || others.length > 0) throw new Error('not one file');
  return file;
}

/** The options of a service's section, where each is on one line. */
export function options(written: Written, more: Partial<Omit<Service, 'written'>> = {}, instance = INSTANCE) {
  const lines = fileOf(service(written, more), instance).text.split('\n');
  const pairs = lines.filter((line) => /^[a-z_]+=/.test(line)).map((line) => line.split(/=(.*)/s, 2));
  return Object.fromEntries(pairs) as Readonly<Record<string, string>>;
}

/** What is refused, as `FIELD: why` with the hint. */
export function refused(service: Service, instance = INSTANCE): string[] {
  const definition = define(service, { instance, owner: 'default', logDir: '/var/log/reconciled' });
  return Array.isArray(definition) ? definition.map(({ summary, hint }) => `${summary} (${hint})`) : [];
}
