/** What an apply prints, as far as tests rest on it. */

/** ms without any process, and without a ready one, by service. */
export type Gaps = Readonly<Record<string, { readonly process: number; readonly ready: number }>>;

const GAP = /^ {2}(\S+): .*\bgap (\d+(?:\.\d+)?) ms\b.*?\bready after (\d+(?:\.\d+)?) ms\b/gm;

export function gapsOf(output: string): Gaps {
  return Object.fromEntries(
    [...output.matchAll(GAP)].map(([, name = '', process, ready]) => [
      name,
      { process: Number(process), ready: Number(ready) },
    ]),
  );
}

/** A line that tells how far it is: a step begins or ends, or a part of a handover begins. */
export function isProgress(line: string): boolean {
  return /^ {2}[a-z0-9][a-z0-9_.-]*: /.test(line);
}
