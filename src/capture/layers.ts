import { closest } from '../closest.ts';
import { at, type Layer, type Path, type Tree } from '../desired/layer.ts';
import { layerOf } from '../desired/merge.ts';
import { sourceOf } from '../desired/source.ts';
import { Failure } from '../problem.ts';
import { type AllFiles, type Subject, treeIn } from './files-of.ts';
import type { Asked } from './words.ts';

/** A file as far as it is edited by now. */
export interface At extends Layer {
  readonly path: string;
  /** What it is on the disk; undefined where there is none. */
  readonly from: string | undefined;
  readonly text: string;
  readonly value: Tree;
}

/** The layer that somebody names: `base`, `label:NAME`, `host`. */
export type WhichLayer = { readonly kind: 'base' | 'host' } | { readonly kind: 'label'; readonly label: string };

export function readLayer(text: string | undefined): WhichLayer | undefined {
  if (text === undefined) return undefined;
  if (text === 'base' || text === 'host') return { kind: text };
  const label = /^label:(.+)$/.exec(text)?.[1];
  if (label !== undefined) return { kind: 'label', label };
  throw new Failure({
    code: 'usage',
    summary: `cannot take '${text}' for a layer`,
    hint: '--layer base (services/), --layer label:NAME (labels/NAME/services/), --layer host (hosts/HOST/services/)',
  });
}

/** The files of one subject, lowest first, with what is edited of them. */
export function layersOf({ stack }: Subject, texts: ReadonlyMap<string, At>): readonly At[] {
  const known = (stack?.layers ?? []).map((layer): At => texts.get(layer.source.file) ?? atOf(layer));
  const first = stack === undefined ? [...texts.values()].filter(({ path }) => path.startsWith('policy.')) : [];
  const others = [...texts.values()].filter(
    (one) =>
      one.from === undefined &&
      stack !== undefined &&
      stemOf(one.path) === stack.name &&
      !known.some(({ path }) => path === one.path),
  );
  const all = [...known, ...others, ...first].map((one) => ({
    ...one,
    value: treeIn({ source: sourceOf(one.path, one.text) }),
  }));
  return all.sort((a, b) => RANK[a.kind] - RANK[b.kind]);
}

const RANK = { base: 0, label: 1, host: 2 } as const;

function atOf(layer: Layer): At {
  const text = layer.source.bytes.toString('utf8');
  return { ...layer, path: layer.source.file, from: text, text, value: {} };
}

function stemOf(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.(yaml|yml|json)$/, '');
}

/**
 * The file to write to: the one of the layer that was named, made where there is none; else where the value is said for this
 * host, or what is around it.
 */
export function placeFor(
  files: AllFiles,
  subject: Subject,
  path: Path,
  layers: readonly At[],
  wanted: WhichLayer | undefined,
  one: Asked,
): { readonly file: At; readonly isChosen: boolean } {
  const [lowest, ...others] = layers;
  if (wanted === undefined || subject.kind !== 'service') {
    if (wanted !== undefined && wanted.kind !== 'base')
      throw new Failure({
        code: 'usage',
        summary: `cannot set ${one.shown} in a layer: only services have layers`,
        hint: 'leave --layer away',
      });
    const file = lowest === undefined ? newFile('base', 'policy.yaml') : layerOf([lowest, ...others], path);
    if (one.how === 'unset' && at(file.value, path) === undefined) throw nothingThere(one, path, layers);
    return { file, isChosen: false };
  }
  const file = layerFile(files, subject.name, layers, wanted);
  const isSaid = layers.some(({ value }) => at(value, path) !== undefined);
  if (one.how === 'unset' && (!isSaid || (file.kind === 'base' && at(file.value, path) === undefined)))
    throw nothingThere(one, path, [file]);
  return { file, isChosen: true };
}

function layerFile(files: AllFiles, name: string, layers: readonly At[], wanted: WhichLayer): At {
  const of = (kind: At['kind'], folder: string): At =>
    layers.find((layer) => layer.kind === kind && layer.path.startsWith(folder)) ??
    newFile(kind, `${folder}${name}.yaml`);
  switch (wanted.kind) {
    case 'base':
      return of('base', 'services/');
    case 'host':
      if (files.hasHosts) return of('host', `hosts/${files.hostname}/services/`);
      throw new Failure({
        code: 'no-host',
        summary: `cannot write a layer of this host: there is no hosts/${files.hostname}.yaml`,
        hint: `write that file first (labels: []), and one for every other host; or say --host NAME`,
      });
    case 'label': {
      const { label } = wanted;
      if (files.labels.includes(label)) return of('label', `labels/${label}/services/`);
      const near = closest(label, files.labels);
      throw new Failure({
        code: 'unknown-label',
        summary: `cannot write a layer of label '${label}': ${files.hostname} does not have it`,
        hint:
          near !== undefined
            ? `did you mean 'label:${near}'?`
            : files.labels.length === 0
              ? 'it has no labels: say with --host NAME which host has it'
              : `it has ${files.labels.join(', ')}; say with --host NAME which host has it`,
      });
    }
  }
}

function newFile(kind: At['kind'], path: string): At {
  return { kind, path, source: sourceOf(path, ''), from: undefined, text: '', value: {} };
}

function nothingThere(one: Asked, path: Path, layers: readonly At[]): Failure {
  const parent = path.slice(0, -1);
  const keys = [...new Set(layers.flatMap(({ value }) => Object.keys(at(value, parent) ?? {})))];
  const near = closest(String(path.at(-1)), keys);
  const place = layers.map((layer) => layer.path).join(' or ');
  return new Failure({
    code: 'not-set',
    summary: `cannot unset ${one.name}.${one.field}: it is not in ${place === '' ? 'any file' : place}`,
    hint:
      near === undefined
        ? `\`reconcile explain ${one.name}\` and docs/fields.md tell the defaults`
        : `did you mean '${near}'?`,
  });
}
