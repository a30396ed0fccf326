import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { type Loaded, load } from '../desired/load.ts';
import { loadYaml } from '../desired/yaml.ts';
import { Failure, type Problem, why } from '../problem.ts';
import type { ServiceDraft } from './drafts.ts';
import type { FoundSupervisor } from './found.ts';
import { fileText } from './service-text.ts';

/** A file that an import writes. */
export interface NewFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  readonly kind: 'service' | 'supervisor' | 'environment';
  /** The service that it is for; of a supervisord its name. */
  readonly name: string;
}

/** Where files go. */
export interface Target {
  /** The desired-state directory, which may not be there yet. */
  readonly directory: string;
  /** Below it, where service files go: for this host alone where others have their own. */
  readonly services: string;
}

/** In a directory for several hosts what one of them has is for that one alone. */
export function targetIn(directory: string, hostname: string): Target {
  const several = existsSync(join(directory, 'hosts'));
  return { directory, services: several ? join('hosts', hostname, 'services') : 'services' };
}

export async function filesOf(
  services: readonly ServiceDraft[],
  instances: readonly FoundSupervisor[],
  target: Target,
): Promise<readonly NewFile[]> {
  await loadYaml();
  const folder = join(target.directory, target.services);
  const schemas = (from: string, name: string) =>
    ` yaml-language-server: $schema=${relative(from, join(dirname(target.directory), 'schemas', name))}`;
  return [
    ...instances.map(({ name, supervisor, comments }): NewFile => {
      const path = join(target.directory, 'supervisors', `${name}.yaml`);
      const text = fileText(supervisor, comments, schemas(dirname(path), 'supervisor.schema.json'));
      return { path, text, mode: 0o644, kind: 'supervisor', name };
    }),
    ...services.flatMap(({ name, service, comments, env }): NewFile[] => [
      {
        path: join(folder, `${name}.yaml`),
        text: fileText(service, comments, schemas(folder, 'service.schema.json')),
        mode: 0o644,
        kind: 'service',
        name,
      },
      ...(env === undefined
        ? []
        : [{ path: env.path, text: env.text, mode: 0o600, kind: 'environment' as const, name }]),
    ]),
  ];
}

/** The desired state as it would be with these. What is there is only read. */
export async function loadWith(
  files: readonly NewFile[],
  { directory }: Target,
  { hostname, logDir }: { readonly hostname: string; readonly logDir: string },
): Promise<Loaded> {
  const folder = mkdtempSync(join(tmpdir(), 'reconciled-import-'));
  try {
    if (existsSync(directory)) {
      const from = realpathSync(directory);
      const filter = (path: string) => !/\/\.git(\/|$)/.test(path.slice(from.length));
      cpSync(from, folder, { recursive: true, dereference: true, filter });
    }
    for (const { path, text, kind } of files) {
      if (kind === 'environment') continue;
      const copy = join(folder, relative(directory, path));
      mkdirSync(dirname(copy), { recursive: true });
      writeFileSync(copy, text);
    }
    return await load({ directory: folder, root: directory, hostname, logDir });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What would be overwritten, with something else than it is. */
export function inTheWay(files: readonly NewFile[]): readonly NewFile[] {
  return files.filter(({ path, text }) => {
    const there = textOf(path);
    return there !== undefined && there !== text;
  });
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Failure({ code: 'import-unreadable', summary: `cannot read ${path}: ${why(error)}` });
  }
}

/** What problems say of each file, by its path below the desired state; '' is what they say of none of them. */
export function byFile(problems: readonly Problem[]): ReadonlyMap<string, readonly Problem[]> {
  return Map.groupBy(problems, ({ at, file }) => at?.file ?? file ?? '');
}
