import type { Imported, Loss, ProgramsFound, Refused } from '../../../src/import/found.ts';
import { importPrograms } from '../../../src/import/programs.ts';
import { layOut, temporary } from '../supervisors/supervisord/lay-out.ts';

export const ENVIRONMENT: Readonly<Record<string, string>> = { HOME: '/root', PATH: '/usr/bin', FLAG: 'yes' };

/** What is found in a text, laid out as those of configs/ are. */
export function foundIn(text: string, folder = temporary()): ProgramsFound {
  const path = layOut(folder, text);
  return importPrograms(path, {
    environment: (name) => ENVIRONMENT[name],
    cwd: '/',
    logDir: '/var/log/ours',
    name: 'x',
  });
}

/** What a section of a program comes to, its name `web`. */
export function programIn(lines: string, before = '[supervisord]'): Imported {
  const { found } = foundIn(`${before}\n[program:web]\ncommand=/bin/web\n${lines}\n`);
  const [one] = found;
  if (one?.kind !== 'imported' || found.length > 1) throw new Error(JSON.stringify(found));
  return one;
}

export function importedIn({ found }: ProgramsFound): readonly Imported[] {
  return found.filter((one) => one.kind === 'imported');
}

export function refusedIn({ found }: ProgramsFound): readonly Refused[] {
  return found.filter((one) => one.kind === 'refused');
}

/** `LINE: key=value because ...` */
export function told({ key, value, at, why }: Loss): string {
  return `${at?.line}: ${key}${value === undefined ? '' : `=${value}`} because ${why}`;
}
