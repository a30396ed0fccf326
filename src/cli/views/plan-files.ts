import { structuredPatch } from 'diff';
import type { Boot, FileChange, Step } from '../../model.ts';
import { maskFile } from '../../secrets.ts';
import type { Style } from '../style.ts';

const INDENT = '      ';
const BOOT: Readonly<Record<Boot, string>> = {
  enabled: 'starts at boot',
  disabled: 'does not start at boot',
  blocked: 'cannot be started',
};

/**
 * What a step does on the host besides its process: a unified diff of every file, and the start at boot. A file that
 * several steps share (the template of instances) is shown with the first; `shown` remembers. Without `diffs` files are
 * only named. Secrets are masked.
 */
export function hostLines({ files = [], boot }: Step, shown: Set<string>, diffs: boolean, style: Style): string[] {
  const lines = files
    .filter(({ path }) => !shown.has(path))
    .flatMap((change) => {
      shown.add(change.path);
      return diffs ? diffLines(maskFile(change), style) : [nameLine(change, style)];
    });
  if (boot !== undefined) {
    lines.push(`boot: ${style.red(BOOT[boot.from])} -> ${style.green(BOOT[boot.to])}`);
    if (boot.link !== undefined) {
      lines.push(boot.to === 'enabled' ? style.green(`+ link ${boot.link}`) : style.red(`- link ${boot.link}`));
    }
  }
  return lines.map((line) => INDENT + line);
}

function nameLine({ path, from, to }: FileChange, style: Style): string {
  if (from === undefined) return style.green(`+ ${path}`);
  return to === undefined ? style.red(`- ${path}`) : style.yellow(`~ ${path}`);
}

/** A unified diff. */
export function diffLines({ path, from, to }: FileChange, style: Style): string[] {
  const { hunks } = structuredPatch(path, path, from ?? '', to ?? '', undefined, undefined, { context: 3 });
  const head = [
    style.bold(`--- ${from === undefined ? '/dev/null' : path}`),
    style.bold(`+++ ${to === undefined ? '/dev/null' : path}`),
  ];
  if (hunks.length === 0) return [...head, style.dim('(what is not shown differs)')];
  return [
    ...head,
    ...hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
      style.cyan(`@@ -${oldLines && oldStart},${oldLines} +${newLines && newStart},${newLines} @@`),
      ...lines.filter((line) => !line.startsWith('\\')).map((line) => marked(line, style)),
    ]),
  ];
}

function marked(line: string, style: Style): string {
  if (line.startsWith('+')) return style.green(line);
  return line.startsWith('-') ? style.red(line) : line;
}
