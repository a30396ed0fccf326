/** From the bytes of a stack of files to one valid value, or all that is wrong with it. Loaded only for what is in no cache. */
import type { Problem } from '../problem.ts';
import { checkSchema } from './explain.ts';
import type { Finding } from './finding.ts';
import { isTree, type Kind, type Path, type Stack, type Tree } from './layer.ts';
import { labelConflicts, layerOf, mergePatch, type ParsedLayer } from './merge.ts';
import { parse } from './parse.ts';
import { placed } from './placed.ts';
import { locate } from './position.ts';
import { hostRules, serviceRules } from './rules.ts';
import { supervisorRules } from './supervisor-rules.ts';
import { checkValues } from './values.ts';
import { loadYaml } from './yaml.ts';

/** More problems of one stack than this are told as a number. */
const MOST = 50;

/** `value` is what can be used of it, keys with problems left out; undefined where a file could not be parsed at all. */
export interface Examined {
  readonly value: Tree | undefined;
  readonly problems: readonly Problem[];
}

await loadYaml();

export async function examine(kind: Kind, stack: Stack): Promise<Examined> {
  const parsed = stack.layers.map((layer) => ({ layer, result: parse(layer.source) }));
  const invalid = parsed.flatMap(({ result }) => (result.kind === 'invalid' ? result.problems : []));
  const [lowest, ...higher] = parsed.flatMap(({ layer, result }) =>
    result.kind === 'parsed' ? [{ ...layer, value: result.value }] : [],
  );
  if (lowest === undefined || invalid.length > 0) return { value: undefined, problems: invalid };
  const layers: readonly [ParsedLayer, ...ParsedLayer[]] = [lowest, ...higher];

  const single = layers.flatMap((layer) => checkLayer(kind, layer));
  const merged = layers.reduce<unknown>((below, { value }) => mergePatch(below, value), {}) as Tree;
  const broken = single.map(({ path }) => path);
  const findings = checkSchema(kind, merged).filter(({ path }) => !broken.some((other) => startsWith(path, other)));
  const wrong = [...broken, ...findings.map(({ path }) => path)];
  const meant = findings.map((finding) => finding.meant?.split('.')[0]);
  const value = wrong.reduce<Tree>(without, merged);
  findings.push(...(await rulesOf(kind, value, new Set([...wrong.map(([key]) => String(key)), ...meant]))));
  const problems = [
    ...single.map(({ problem }) => problem),
    ...conflictProblems(layers),
    ...findings.map((finding) => placed(layerOf(layers, finding.path).source, finding)),
  ];
  return { value, problems: capped(problems, stack) };
}

function checkLayer(kind: Kind, layer: ParsedLayer): { readonly path: Path; readonly problem: Problem }[] {
  const { source, value } = layer;
  // An empty `KEY:` is a slip, a `null` that somebody wrote in an overlay deletes.
  const deletes = (path: Path) => layer.kind !== 'base' && locate(source, path, 'value').written !== '';
  return checkValues(kind, deletes, value).map((finding) => ({ path: finding.path, problem: placed(source, finding) }));
}

function conflictProblems(layers: readonly ParsedLayer[]): Problem[] {
  return labelConflicts(layers).map(({ layer, other, finding }) => {
    const { file, line, column } = locate(other.source, finding.path, 'key').position;
    return placed(layer.source, { ...finding, detail: `the other is at ${file}:${line}:${column}` });
  });
}

async function rulesOf(kind: Kind, value: Tree, broken: ReadonlySet<string | undefined>): Promise<Finding[]> {
  switch (kind) {
    case 'service':
      return [
        ...serviceRules(value, broken),
        ...(value.health === undefined && value.gate === undefined
          ? []
          : await (await import('./probe-rules.ts')).probeRules(value)),
      ];
    case 'policy':
      return [
        ...(value.windows === undefined ? [] : (await import('./window-rules.ts')).windowRules(value)),
        ...(value.alerts === undefined ? [] : (await import('./alert-rules.ts')).alertRules(value)),
      ];
    case 'host':
      return hostRules(value);
    case 'supervisor':
      return supervisorRules(value, broken);
  }
}

/** A tree without the value at a path, or without the whole list that the path leads into. */
function without(tree: Tree, [key = '', ...rest]: Path): Tree {
  const { [key]: value, ...others } = tree;
  return isTree(value) && rest.length > 0 ? { ...others, [key]: without(value, rest) } : others;
}

function startsWith(path: Path, start: Path): boolean {
  return start.every((key, i) => path[i] === key);
}

function capped(problems: Problem[], { layers }: Stack): Problem[] {
  if (problems.length <= MOST) return problems;
  const summary = `${problems.length - MOST} more problems in this file`;
  return [...problems.slice(0, MOST), { code: 'more', summary, file: layers[0].source.file }];
}
