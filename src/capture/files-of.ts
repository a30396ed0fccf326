import type { Config } from '../config.ts';
import type { Kind, Layer, Stack, Tree } from '../desired/layer.ts';
import { type Layout, readLayout, readStacks } from '../desired/layout.ts';
import { parse } from '../desired/parse.ts';
import { loadYaml } from '../desired/yaml.ts';
import { Failure, type Problem } from '../problem.ts';

/** What has fields, and the files that say them for this host; of policy.yaml there may be none yet. */
export interface Subject {
  readonly kind: Kind;
  readonly name: string;
  readonly stack: Stack | undefined;
}

/** The files of a desired state, whether they are valid or not: an edit may be what mends them. */
export interface AllFiles {
  readonly root: string;
  readonly hostname: string;
  /** Of this host, in their order. */
  readonly labels: readonly string[];
  readonly hasHosts: boolean;
  readonly subjects: ReadonlyMap<string, Subject>;
}

/** Fails only where there is no directory to read. Loads the YAML parser. */
export async function readAllFiles({ desiredState, host }: Pick<Config, 'desiredState' | 'host'>): Promise<AllFiles> {
  await loadYaml();
  const problems: Problem[] = [];
  const layout = readLayout(desiredState, host, problems);
  if (layout === undefined) throw new Failure(...problems);
  const labels = labelsOf(layout);
  const stacks = readStacks(desiredState, host, labels, []);
  const subjects = new Map<string, Subject>();
  subjects.set('policy', { kind: 'policy', name: 'policy', stack: layout.policy });
  for (const stack of layout.supervisors)
    subjects.set(`supervisord/${stack.name}`, { kind: 'supervisor', name: stack.name, stack });
  for (const stack of stacks) subjects.set(stack.name, { kind: 'service', name: stack.name, stack });
  return { root: desiredState, hostname: host, labels, hasHosts: layout.host !== undefined, subjects };
}

function labelsOf({ host, labels }: Layout): readonly string[] {
  if (host === undefined) return [];
  const value = treeIn(host.layers[0]);
  const written = Array.isArray(value.labels) ? value.labels : [];
  return written.filter((label): label is string => labels.includes(label as string));
}

/** What a file holds; fails with what is wrong with it as YAML. A file that holds nothing is one that nothing is said in yet. */
export function treeIn({ source }: Pick<Layer, 'source'>): Tree {
  const parsed = parse(source);
  if (parsed.kind === 'parsed') return parsed.value;
  if (parsed.problems.every(({ code }) => code === 'empty-file')) return {};
  throw new Failure(...parsed.problems);
}
