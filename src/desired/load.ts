/** Loads a desired-state directory: read -> cache or examine -> rules across files -> services. */
import { hash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { closest } from '../closest.ts';
import { type Instance, serviceOfInstance } from '../instance.ts';
import type { Desired, Service } from '../model.ts';
import type { Problem } from '../problem.ts';
import { acrossRules } from './across.ts';
import { instanceRules } from './across-instances.ts';
import { type Cache, keyOf } from './cache.ts';
import { expand, idsOf, policyOf } from './expand.ts';
import type { HostFile } from './generated/host.ts';
import type { PolicyFile } from './generated/policy.ts';
import type { ServiceFile } from './generated/service.ts';
import type { SupervisorFile } from './generated/supervisor.ts';
import { instanceOf, type Places, runtimeFolder } from './instances.ts';
import type { Kind, Path, Stack, Tree } from './layer.ts';
import { type Layout, readLayout, readStacks, stranger } from './layout.ts';
import { layerOf } from './merge.ts';
import type { Draft } from './named.ts';
import { placed } from './placed.ts';
import { locate, treeOf } from './position.ts';
import { loadYaml } from './yaml.ts';

export interface LoadOptions {
  readonly directory: string;
  /** What relative paths in it are relative to, where that is not the directory itself: it can be another one every time. */
  readonly root?: string;
  readonly hostname: string;
  /** Keeps parsed values by content; without it everything is parsed. Whoever opened it saves it. */
  readonly cache?: Cache;
  /** Where the log of a supervisord is by default. */
  readonly logDir?: string;
}

export type Loaded =
  | { readonly kind: 'valid'; readonly desired: Desired }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

/** The desired state of a host, or every problem of every file that applies to it. Never throws for what is in a directory. */
export async function load(options: LoadOptions): Promise<Loaded> {
  const { directory, hostname } = options;
  const problems: Problem[] = [];
  const layout = readLayout(directory, hostname, problems);
  if (layout === undefined) return { kind: 'invalid', problems };
  const root = options.root ?? realpathSync(directory);
  const used = new Map<string, Tree>();
  const value = (kind: Kind, stack: Stack) => valueOfStack(kind, stack, options.cache, used, problems);

  const policy = layout.policy && ((await value('policy', layout.policy)) as PolicyFile | undefined);
  const host = layout.host && ((await value('host', layout.host)) as HostFile | undefined);
  if (layout.host) problems.push(...(await labelProblems(layout.host, host?.labels ?? [], layout.labels)));
  const labels = (host?.labels ?? []).filter((label) => layout.labels.includes(label));
  const stacks = readStacks(directory, hostname, labels, problems);
  const found = stacks.length + layout.supervisors.length;
  if (found === 0 && problems.length === 0) problems.push(nothingFound(directory));

  const drafts: (Draft & { readonly stack: Stack })[] = [];
  for (const stack of stacks) {
    const written = await value('service', stack);
    if (written !== undefined) drafts.push({ name: stack.name, written, stack });
  }
  const places = placesOf(options);
  const instances: Instance[] = [];
  for (const stack of layout.supervisors) {
    const before = problems.length;
    const written = (await value('supervisor', stack)) as SupervisorFile | undefined;
    if (written === undefined || problems.length > before) continue;
    instances.push(instanceOf(stack.name, stack.layers[0].source.file, written, places));
  }
  problems.push(...(await acrossProblems(drafts, stacks, instances, layout.supervisors)));
  problems.push(...unusedFolders(layout, drafts, root));
  if (problems.length > 0) return { kind: 'invalid', problems: problems.sort(byPlace) };
  options.cache?.keep(used);
  const ids = new Map(drafts.map(({ name, written }) => [name, idsOf(name, written.instances)]));
  for (const { name, owned } of instances) if (owned) ids.set(serviceOfInstance(name), [serviceOfInstance(name)]);
  const services = drafts
    .flatMap(({ name, written, stack }) => {
      const after = (written.start?.after ?? []).flatMap((other) => ids.get(other) ?? []);
      return expand(name, stack.layers[0].source.file, written as ServiceFile, root, after);
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return { kind: 'valid', desired: desiredOf(services, instances, stacks, layout, policyOf(policy ?? {})) };
}

function placesOf({ logDir }: LoadOptions): Places {
  const root = process.getuid?.() === 0;
  const own = () => join(process.env.XDG_STATE_HOME || join(homedir(), '.local/state'), 'reconciled', 'logs');
  return { root, runtime: runtimeFolder(), logDir: logDir ?? (root ? '/var/log/reconciled' : own()) };
}

async function valueOfStack(
  kind: Kind,
  stack: Stack,
  cache: Cache | undefined,
  used: Map<string, Tree>,
  problems: Problem[],
): Promise<Tree | undefined> {
  const key = keyOf(kind, stack);
  const known = cache?.get(key) ?? used.get(key);
  if (known !== undefined) {
    used.set(key, known);
    return known;
  }
  const { examine } = await import('./examine.ts');
  const examined = await examine(kind, stack);
  problems.push(...examined.problems);
  if (examined.value !== undefined && examined.problems.length === 0) used.set(key, examined.value);
  return examined.value;
}

function desiredOf(
  services: readonly Service[],
  instances: readonly Instance[],
  stacks: readonly Stack[],
  layout: Layout,
  policy: Desired['policy'],
): Desired {
  const all = [layout.policy, layout.host, ...layout.supervisors, ...stacks].filter((stack) => stack !== undefined);
  const files = all.flatMap(({ layers }) => layers.map(({ source }) => `${source.file}\0${source.hash}\n`));
  return {
    revision: { content: hash('sha256', files.join(''), 'hex') },
    policy,
    services,
    instances,
    locate(id, path) {
      const name = id.replace(/@[0-9]+$/, '');
      const stack =
        stacks.find((candidate) => candidate.name === name) ??
        // What runs an instance is declared by the file of that.
        layout.supervisors.find((candidate) => serviceOfInstance(candidate.name) === name);
      return stack && locate(sourceAt(stack, path), path, 'value').position;
    },
  };
}

async function acrossProblems(
  drafts: readonly Draft[],
  stacks: readonly Stack[],
  instances: readonly Instance[],
  supervisors: readonly Stack[],
): Promise<Problem[]> {
  const names = supervisors.map(({ name }) => name);
  // What runs an instance can be waited for like any other service.
  const known = new Set([...stacks.map(({ name }) => name), ...names.map(serviceOfInstance)]);
  const found = [
    ...acrossRules(drafts, known).map((named) => ({ ...named, in: 'service' as const })),
    ...instanceRules(drafts, names, instances),
  ];
  if (found.length === 0) return [];
  await loadYaml();
  const byName = {
    service: new Map(stacks.map((stack) => [stack.name, stack])),
    supervisor: new Map(supervisors.map((stack) => [stack.name, stack])),
  };
  return found.map(({ in: kind, name, finding, other }) => {
    const source = (of: string, path: Path) => {
      const stack = byName[kind].get(of);
      if (stack === undefined) throw new Error(`no ${kind} ${of}`);
      return sourceAt(stack, path);
    };
    const problem = placed(source(name, finding.path), finding);
    if (other === undefined) return problem;
    const { file, line, column } = locate(source(other.name, other.path), other.path, 'value').position;
    return { ...problem, detail: `the other is at ${file}:${line}:${column}` };
  });
}

/** The file a value of a stack comes from; parses again where there are several. */
function sourceAt({ layers }: Stack, path: Path) {
  const [first, ...others] = layers;
  if (others.length === 0) return first.source;
  const parsed = (layer: typeof first) => ({ ...layer, value: treeOf(layer.source) });
  return layerOf([parsed(first), ...others.map(parsed)], path).source;
}

async function labelProblems(
  { layers: [{ source }] }: Stack,
  labels: readonly string[],
  known: readonly string[],
): Promise<Problem[]> {
  if (labels.every((label) => known.includes(label))) return [];
  await loadYaml();
  return labels.flatMap((label, i) => {
    if (known.includes(label)) return [];
    const near = closest(label, known);
    const hint = near === undefined ? `add labels/${label}/services/, or remove the label` : `did you mean '${near}'?`;
    const summary = `label '${label}' stands for nothing: there is no labels/${label}/`;
    return [placed(source, { code: 'unknown-label', path: ['labels', i], part: 'value', summary, hint })];
  });
}

function nothingFound(directory: string): Problem {
  const hint = 'services are in services/NAME.yaml; an empty directory is never taken as "remove everything"';
  return { code: 'no-services', summary: `no services found in ${directory}`, hint };
}

/** A folder besides is fine where a service runs in it or reads from it. */
function unusedFolders({ strangers }: Layout, drafts: readonly Draft[], root: string): Problem[] {
  if (strangers.length === 0) return [];
  const used = drafts.flatMap(({ written }) => {
    const directory = resolve(root, written.directory ?? '/');
    const { command = [], restartOn = [], environmentFiles = [] } = written;
    return [directory, ...[...command, ...restartOn, ...environmentFiles].map((path) => resolve(directory, path))];
  });
  return strangers
    .filter(({ file }) => !used.some((path) => `${path}${sep}`.startsWith(`${join(root, file)}${sep}`)))
    .map((entry) => stranger(entry));
}

/** By file, then line and column; what is about no file first. */
function byPlace(a: Problem, b: Problem): number {
  const [fileA, fileB] = [a.at?.file ?? a.file ?? '', b.at?.file ?? b.file ?? ''];
  if (fileA !== fileB) return fileA < fileB ? -1 : 1;
  return (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0);
}
