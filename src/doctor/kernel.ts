import { readdirSync, readFileSync } from 'node:fs';

/** The hard limit of a process. */
export function readLimit(pid: number | 'self', name: string): number {
  const line = (text(`/proc/${pid}/limits`) ?? '').split('\n').find((one) => one.startsWith(name));
  const [, hard] = line?.slice(name.length).trim().split(/\s+/) ?? [];
  return hard === undefined || hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

/** The names in a folder; none where it can't be listed. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A small file's text, trimmed; undefined where it can't be read. */
export function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
