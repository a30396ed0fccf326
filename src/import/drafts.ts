import type { Json } from '../canonical.ts';
import type { SupervisorName } from '../model.ts';
import { maskField, maskText } from '../secrets.ts';
import type { Imported, Loss, Origin } from './found.ts';
import { freeName } from './service-names.ts';
import { envText } from './secret-files.ts';

/** A service file that is to be written, with what belongs to it. */
export interface ServiceDraft {
  readonly name: string;
  readonly origin: Origin;
  readonly service: Readonly<Record<string, Json>>;
  readonly comments: ReadonlyMap<string, string>;
  readonly losses: readonly Loss[];
  /** What a person has to see to, in words. */
  readonly warnings: readonly string[];
  /** Its environment file, where it has secrets. */
  readonly env?: { readonly path: string; readonly text: string; readonly keys: readonly string[] };
}

/** A supervisord of others, declared for the programs of it. */
export interface InstanceDraft {
  readonly name: string;
  readonly config: string;
  /** Undefined where its configuration reads no folder. */
  readonly include: string | undefined;
}

export interface DraftMeans {
  /** Names that services have already. */
  readonly taken: ReadonlySet<string>;
  /** The supervisords that are declared already: the name of each by its configuration. */
  readonly instances: ReadonlyMap<string, string>;
  readonly envDir: string;
  readonly includeOf: (config: string) => string | undefined;
}

/**
 * What is to be written for what was found: each under a name of its own, supervising nothing (`mode: observe`), naming
 * what it takes the place of, secrets apart.
 */
export function draftsOf(
  found: readonly Imported[],
  means: DraftMeans,
): { readonly services: readonly ServiceDraft[]; readonly instances: readonly InstanceDraft[] } {
  const names = new Set(means.taken);
  const instances = new Map<string, InstanceDraft>();
  const known = new Map(means.instances);
  const renamed = new Map<string, string>();
  const services = found.map((one): ServiceDraft => {
    const { origin } = one;
    const name = freeName(names.has(one.name) ? `${one.name}-${WORDS[origin.kind]}` : one.name, (n) => names.has(n));
    names.add(name);
    let supervisor = String(one.service.supervisor) as SupervisorName;
    const wanted = /^supervisord\/(.*)$/.exec(supervisor)?.[1];
    if (origin.kind === 'program' && wanted !== undefined) {
      const instance = known.get(origin.config) ?? freeName(wanted, (n) => [...known.values()].includes(n));
      if (!known.has(origin.config)) {
        known.set(origin.config, instance);
        instances.set(instance, { name: instance, config: origin.config, include: means.includeOf(origin.config) });
      }
      supervisor = `supervisord/${instance}`;
    }
    renamed.set(one.name, name);
    return draftOf(one, name, supervisor, means.envDir);
  });
  const called = (other: string) => renamed.get(other) ?? other;
  return {
    services: services.map((draft) =>
      withKnownNeeds(draft, (other) => (names.has(called(other)) ? called(other) : undefined)),
    ),
    instances: [...instances.values()],
  };
}

/** Of services that it comes after or needs, those that no file says anything of are left out. */
function withKnownNeeds(draft: ServiceDraft, known: (name: string) => string | undefined): ServiceDraft {
  const { start, requires, ...rest } = draft.service as Readonly<Record<string, Json>> & {
    readonly start?: Readonly<Record<string, Json>> & { readonly after?: readonly string[] };
    readonly requires?: readonly string[];
  };
  const losses: Loss[] = [];
  const keep = (key: string, others: readonly string[] | undefined) =>
    (others ?? []).flatMap((other) => {
      const name = known(other);
      if (name === undefined) losses.push({ key, value: other, why: 'no service is called so here' });
      return name === undefined ? [] : [name];
    });
  if (start?.after === undefined && requires === undefined) return draft;
  const [after, needed] = [keep('start.after', start?.after), keep('requires', requires)];
  const { after: _, ...others } = start ?? {};
  const begin = { ...others, ...(after.length === 0 ? {} : { after }) };
  const service = {
    ...rest,
    ...(Object.keys(begin).length === 0 ? {} : { start: begin }),
    ...(needed.length === 0 ? {} : { requires: needed }),
  };
  return { ...draft, service, losses: [...draft.losses, ...losses] };
}

const WORDS: Readonly<Record<Origin['kind'], string>> = {
  unit: 'unit',
  program: 'program',
  cron: 'cron',
  process: 'process',
};

function draftOf(one: Imported, name: string, supervisor: SupervisorName, envDir: string): ServiceDraft {
  const { origin, secrets, losses } = one;
  const hasSecrets = Object.keys(secrets).length > 0;
  const env = hasSecrets ? envText(name, secrets, supervisor) : undefined;
  const path = `${envDir}/${name}.env`;
  const files = [...((one.service.environmentFiles as readonly string[] | undefined) ?? [])];
  const supersedes = supersededBy(one, name, supervisor);
  const service: Readonly<Record<string, Json>> = {
    ...one.service,
    supervisor,
    mode: 'observe',
    // Those that were there count more, as they did.
    ...(env === undefined ? {} : { environmentFiles: [path, ...files] }),
    ...(supersedes.length === 0 ? {} : { supersedes }),
  };
  const comments = new Map(one.comments);
  const head = comments.get('');
  comments.set('', [`Imported from ${nameOfOrigin(origin)}.`, ...(head === undefined ? [] : [head])].join('\n'));
  comments.set('mode', 'Only told, never done, until this line is gone.');
  const warnings = [
    ...(name === one.name ? [] : [`'${one.name}' is another service: this one is called '${name}'`]),
    ...(env === undefined ? [] : [`secrets were moved out of it to ${path}: ${Object.keys(secrets).join(', ')}`]),
    ...secretsLeftIn(service),
  ];
  const left = (env?.left ?? []).map((key): Loss => {
    return {
      key: `environment.${key}`,
      value: '***',
      why: 'an environment file can not hold its value: it has a line break',
    };
  });
  return {
    name,
    origin,
    service,
    comments,
    losses: [...losses, ...left],
    warnings,
    ...(env === undefined ? {} : { env: { path, text: env.text, keys: Object.keys(secrets) } }),
  };
}

/** What it takes the place of: what it was found as, unless its reader has said so or nothing is taken. */
function supersededBy({ origin, service }: Imported, name: string, supervisor: SupervisorName): readonly Json[] {
  const said = (service.supersedes as readonly Json[] | undefined) ?? [];
  if (said.length > 0) return said;
  // Managed by state alone: it stays whose it is.
  if (origin.kind === 'unit' && service.unit === undefined) return [{ unit: origin.unit }];
  if (origin.kind === 'program' && !(supervisor.startsWith('supervisord/') && name === origin.program))
    return [{ program: origin.program, config: origin.config }];
  return [];
}

/** What looks secret and can't be moved: an argument of a command is seen by everybody who may list processes. */
function secretsLeftIn(service: Readonly<Record<string, Json>>): readonly string[] {
  return Object.entries(service).flatMap(([key, value]) => {
    if (key !== 'command' && key !== 'raw') return [];
    const lines = key === 'raw' ? Object.values(value as Record<string, readonly (readonly Json[])[]>).flat() : [value];
    const shows = lines.some((line) => {
      const words = key === 'raw' ? String((line as readonly Json[])[2]).split(/\s+/) : (line as Json);
      return JSON.stringify(maskField('command', words)) !== JSON.stringify(words);
    });
    return shows
      ? [
          `\`${key}\` has what looks like a secret: move it to an environment file or a file that it reads before you commit it`,
        ]
      : [];
  });
}

/** For people: `unit web.service (/etc/systemd/system/web.service)`. */
export function nameOfOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'unit':
      return `unit ${origin.unit} (${origin.path})`;
    case 'program':
      return `program ${origin.program} (${origin.at.file}:${origin.at.line})`;
    case 'cron':
      return `a line of a crontab (${origin.at.file}:${origin.at.line}): ${maskText(origin.line)}`;
    case 'process':
      return `process ${origin.pid}: ${(maskField('command', [...origin.command]) as readonly string[]).join(' ')}`;
  }
}
