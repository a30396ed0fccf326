import type { Json } from '../canonical.ts';
import { VITAL } from '../desired/rules.ts';
import type { SupervisorName } from '../model.ts';
import { maskField, maskText } from '../secrets.ts';
import type { Imported, Loss, Origin } from './found.ts';
import { envText } from './secret-files.ts';
import { freeName } from './service-names.ts';

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

export interface DraftMeans {
  /** Names that services have already. */
  readonly taken: ReadonlySet<string>;
  readonly envDir: string;
}

/**
 * What is to be written for what was found: each under a name of its own, supervising nothing (`mode: observe`), naming
 * what it takes the place of, secrets apart.
 */
export function draftsOf(found: readonly Imported[], means: DraftMeans): readonly ServiceDraft[] {
  const names = new Set(means.taken);
  const renamed = new Map<string, string>();
  const firsts = new Map<string, string>();
  const services = found.map((one): ServiceDraft => {
    const { kind } = one.origin;
    const name = freeName(names.has(one.name) ? `${one.name}-${kind}` : one.name, (other) => names.has(other));
    names.add(name);
    renamed.set(one.name, name);
    const draft = draftOf(one, name, means.envDir);
    const key = JSON.stringify(draft.service.supersedes ?? name);
    const first = firsts.get(key);
    firsts.set(key, first ?? name);
    return first === undefined ? draft : behind(draft, first);
  });
  const called = (other: string) => renamed.get(other) ?? other;
  const known = (other: string) => (names.has(called(other)) ? called(other) : undefined);
  return services.map((draft) => withKnownNeeds(draft, known));
}

/** Only one service can take the place of a thing: what is the same thing's goes with that one. */
function behind(draft: ServiceDraft, first: string): ServiceDraft {
  const { supersedes: _, ...service } = draft.service;
  const warning = `its old process ends when '${first}' takes its place: let both be done together`;
  return { ...draft, service, warnings: [...draft.warnings, warning] };
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

function draftOf(one: Imported, name: string, envDir: string): ServiceDraft {
  const { origin, secrets, losses } = one;
  const supervisor = String(one.service.supervisor) as SupervisorName;
  const hasSecrets = Object.keys(secrets).length > 0;
  const env = hasSecrets ? envText(name, secrets, supervisor) : undefined;
  const path = `${envDir}/${name}.env`;
  const files = [...((one.service.environmentFiles as readonly string[] | undefined) ?? [])];
  const supersedes = supersededBy(one);
  const service: Readonly<Record<string, Json>> = {
    state: 'running',
    ...one.service,
    mode: 'observe',
    // Those that were there count more, as they did.
    ...(env === undefined ? {} : { environmentFiles: [path, ...files] }),
    ...(supersedes.length === 0 ? {} : { supersedes }),
  };
  const comments = new Map(one.comments);
  const head = comments.get('');
  // A reader that says where it is from has said it better.
  if (origin.kind !== 'unit' || head === undefined)
    comments.set('', [`Imported from ${nameOfOrigin(origin)}.`, ...(head === undefined ? [] : [head])].join('\n'));
  comments.set('mode', 'Only told, never done, until this line is gone.');
  const warnings = [
    ...(name === one.name ? [] : [`'${one.name}' is another service: this one is called '${name}'`]),
    ...(env === undefined ? [] : [`secrets were moved out of it to ${path}: ${Object.keys(secrets).join(', ')}`]),
    ...secretsLeftIn(service),
    ...(isVital(origin) && service.unit === undefined ? [VITAL_LEFT] : []),
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
function supersededBy({ origin, service }: Imported): readonly Json[] {
  const said = (service.supersedes as readonly Json[] | undefined) ?? [];
  if (said.length > 0) return said;
  // Managed by state alone: it stays whose it is.
  if (origin.kind === 'unit' && service.unit === undefined) return isVital(origin) ? [] : [{ unit: origin.unit }];
  if (origin.kind === 'program') return [{ program: origin.thing, config: origin.config }];
  return [];
}

const VITAL_LEFT = 'it is part of the system itself: its place is never taken, and every plan holds it';

/** Without it nobody can log in or repair anything. */
function isVital(origin: Origin): boolean {
  return origin.kind === 'unit' && VITAL.test(origin.unit);
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
    case 'file':
      return origin.path;
    case 'process':
      if (origin.command.length === 0) return `process ${origin.pid}`;
      return `process ${origin.pid}: ${(maskField('command', [...origin.command]) as readonly string[]).join(' ')}`;
  }
}
