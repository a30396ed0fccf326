import { structuredPatch } from 'diff';
import type { Json } from '../../canonical.ts';
import { unreachable } from '../../problem.ts';
import { formatSize } from '../../units.ts';
import type { Style } from '../style.ts';

/** What an install or an uninstall is about to do, as a view needs it. */
export type ShownChange =
  | {
      readonly kind: 'release';
      readonly path: string;
      readonly was: 'absent' | 'changed';
      readonly release: { readonly files: readonly unknown[]; readonly bytes: number };
    }
  | { readonly kind: 'link'; readonly path: string; readonly to: string; readonly was: string | undefined }
  | {
      readonly kind: 'links';
      readonly folder: string;
      readonly to: string;
      readonly made: readonly string[];
      readonly gone: readonly string[];
    }
  | { readonly kind: 'file'; readonly path: string; readonly from?: string; readonly to?: string }
  | { readonly kind: 'remove'; readonly path: string; readonly what: string }
  | { readonly kind: 'stop'; readonly unit: string };

/** Every change with a unified diff of each file. */
export function installText(changes: readonly ShownChange[], style: Style): string {
  return changes.map((change) => `${changeLines(change, style).join('\n')}\n`).join('');
}

/** The same for programs. */
export function installJson(changes: readonly ShownChange[], done: boolean): Json {
  return { done, changes: changes.map(changeJson) };
}

function changeJson(change: ShownChange): Json {
  if (change.kind === 'release') {
    const { kind, path, was, release } = change;
    return { kind, path, was, files: release.files.length, bytes: release.bytes };
  }
  if (change.kind === 'link') return { ...change, was: change.was ?? null };
  return { ...change };
}

function changeLines(change: ShownChange, style: Style): string[] {
  switch (change.kind) {
    case 'release': {
      const { path, was, release } = change;
      const size = formatSize(Math.max(1, Math.round(release.bytes / 1e6)) * 1e6);
      const text = `${path}  ${release.files.length} files, ${size}`;
      if (was === 'absent') return [style.green(`  + ${text}`)];
      return [style.yellow(`  ~ ${text}, in place of what somebody has changed`)];
    }
    case 'link': {
      const { path, to, was } = change;
      if (was === undefined) return [style.green(`  + ${path} -> ${to}`)];
      return [style.yellow(`  ~ ${path} -> ${to}  (was ${was})`)];
    }
    case 'links': {
      const { folder, to, made, gone } = change;
      return [
        ...(made.length === 0 ? [] : [style.green(`  + ${linksText(folder, made)} -> ${to}`)]),
        ...(gone.length === 0 ? [] : [style.red(`  - ${linksText(folder, gone)}`)]),
      ];
    }
    case 'file': {
      const { path, from, to } = change;
      const mark = from === undefined ? '+' : to === undefined ? '-' : '~';
      const head = { '+': style.green, '-': style.red, '~': style.yellow }[mark](`  ${mark} ${path}`);
      return to === undefined ? [head] : [head, ...diffLines(from, to, style).map((line) => `      ${line}`)];
    }
    case 'remove':
      return [style.red(`  - ${change.path}  ${change.what}`)];
    case 'stop':
      return [style.red(`  - ${change.unit}  is stopped and does not start at boot any more; its services go on`)];
    default:
      return unreachable(change);
  }
}

function linksText(folder: string, names: readonly string[]): string {
  const [first = '', ...more] = names;
  return more.length === 0 ? `${folder}/${first}` : `${folder}/${first} and ${more.length} more`;
}

function diffLines(from: string | undefined, to: string, style: Style): string[] {
  if (from === undefined) return to.trimEnd().split('\n').map(style.green);
  const { hunks } = structuredPatch('', '', from, to, undefined, undefined, { context: 3 });
  return hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    style.cyan(`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`),
    ...lines
      .filter((line) => !line.startsWith('\\'))
      .map((line) => (line.startsWith('+') ? style.green(line) : line.startsWith('-') ? style.red(line) : line)),
  ]);
}
