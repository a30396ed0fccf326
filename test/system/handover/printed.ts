/** What an apply prints, as far as tests rest on it. */

/** ms without any process, and without a ready one, by service. */
export type Gaps = Readonly<Record<string, { readonly process: number; readonly ready: number }>>;

const GAP = /^ {2}(\S+): .*?(\d+) ms without a process, (\d+) ms until ready/gm;

export function gapsOf(output: string): Gaps {
  return Object.fromEntries(
    [...output.matchAll(GAP)].map(([, name = '', process, ready]) => [
      name,
      { process: Number(process), ready: Number(ready) },
    ]),
  );
}

/** The lines of an apply that tell how far it is. */
export function partsOf(output: string): readonly string[] {
  const lines = output.split('\n');
  return lines.slice(lines.findIndex(isPlan) + 1).filter(isProgress);
}

/** The last line of a plan. */
export function isPlan(line: string): boolean {
  return line.startsWith('Plan: ');
}

/** A line that tells how far it is: a step begins or ends, or a part of a handover begins. */
export function isProgress(line: string): boolean {
  return /^ {2}[a-z0-9][a-z0-9_.-]*: /.test(line);
}
