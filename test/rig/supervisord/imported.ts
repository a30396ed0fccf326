import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../../../src/desired/load.ts';
import type { Imported, ProgramsFound } from '../../../src/import/found.ts';
import { importPrograms } from '../../../src/import/programs.ts';
import type { Definition, HostFile } from '../../../src/model.ts';
import { define } from '../../../src/supervisors/supervisord/define.ts';
import { mainConfig } from '../../../src/supervisors/supervisord/main-config.ts';
import { programsFile, writeParts } from '../../../src/supervisors/supervisord/programs-file.ts';

/** A configuration that was imported and made again, and which process of the one is which of the other. */
export interface Again {
  readonly found: ProgramsFound;
  readonly main: string;
  readonly logs: string;
  readonly pairs: readonly {
    readonly before: readonly [group: string, process: string];
    readonly after: readonly [group: string, process: string];
    readonly variables: Readonly<Record<string, string>>;
  }[];
}

/** Imports a configuration, writes the desired state that comes of it, and has that loaded and rendered. */
export async function importedAgain(
  path: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<Again> {
  const logs = join(folder, 'logs');
  for (const each of [
    ...['services', 'supervisors'].map((name) => join(folder, 'desired', name)),
    join(folder, 'env'),
    logs,
  ])
    mkdirSync(each, { recursive: true });
  const found = importPrograms(path, {
    environment: (name) => environment[name],
    cwd: '/',
    logDir: logs,
    name: 'again',
  });
  const imported = found.found.filter((one) => one.kind === 'imported');
  const { supervisor } = found;
  if (supervisor === undefined) return { found, main: '', logs, pairs: [] };
  const main = join(folder, 'again.conf');
  const places = {
    config: main,
    socket: { ...(supervisor.supervisor.socket as object), path: join(folder, 'again.sock') },
    log: { ...(supervisor.supervisor.log as object), path: join(folder, 'again.log') },
    pid: join(folder, 'again.pid'),
  };
  write(join(folder, 'desired/supervisors/again.yaml'), { ...supervisor.supervisor, ...places });
  for (const one of imported) write(join(folder, `desired/services/${one.name}.yaml`), withSecrets(one, folder));

  const loaded = await load({ directory: join(folder, 'desired'), hostname: 'here', logDir: logs });
  if (loaded.kind === 'invalid') throw new Error(loaded.problems.map(({ summary }) => summary).join('\n'));
  const [instance] = loaded.desired.instances;
  if (instance === undefined) throw new Error('no instance');
  const parts = loaded.desired.services.map((service) => {
    const definition = define(service, { instance, owner: 'default', logDir: logs });
    if (Array.isArray(definition)) throw new Error(definition.map(({ summary }) => summary).join('\n'));
    const [file] = (definition as Definition).files as readonly HostFile[];
    return [service.id, file?.text] as const;
  });
  mkdirSync(instance.include, { recursive: true });
  writeParts(programsFile(instance, 'default'), parts);
  writeFileSync(main, mainConfig(instance, 'default').text);
  return { found, main, logs, pairs: imported.flatMap((one) => pairsOf(one)) };
}

function write(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value, null, 2));
}

function withSecrets({ name, service, secrets }: Imported, folder: string): object {
  if (Object.keys(secrets).length === 0) return service;
  const path = join(folder, `env/${name}.env`);
  writeFileSync(
    path,
    Object.entries(secrets)
      .map(([key, value]) => `${key}="${value}"\n`)
      .join(''),
  );
  return { ...service, environmentFiles: [path] };
}

function pairsOf({ name, service, secrets, origin }: Imported) {
  if (origin.kind !== 'program') return [];
  const ids = service.instances === undefined ? [name] : range(Number(service.instances)).map((i) => `${name}@${i}`);
  return ids.map((id, i) => ({
    before: [origin.group, origin.processes[i] ?? ''] as const,
    after: [service.instances === undefined ? id : `${name}@pool`, id] as const,
    variables: secrets,
  }));
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
