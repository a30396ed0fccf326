import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isOnThisHost } from '../host/procfs.ts';
import { readConfig } from '../supervisors/supervisord/config-file.ts';
import type { Thing } from '../thing.ts';
import type { Claim, Claims } from './claim.ts';
import type { Processes } from './processes.ts';
import { configOf, isSupervisord, mayBeSupervisord, STANDARD_CONFIGS } from './supervisords.ts';
import { quotedWords } from './words.ts';

/** A configuration of a supervisord, and the file of ours that it includes: that is not looked at. */
export interface SupervisordPlace {
  readonly config: string;
  readonly own?: string;
}

/** Every supervisord that is known of here: declared, running, and where distributions put theirs. */
export function supervisordPlaces(
  declared: readonly SupervisordPlace[],
  processes: Processes | undefined,
): readonly SupervisordPlace[] {
  const places = new Map(declared.map((place) => [resolve(place.config), place]));
  const running = [...(processes ?? [])].flatMap((process) => {
    // In a container its paths are other files than ours.
    const isOurs = mayBeSupervisord(process) && isSupervisord(process.argv) && isOnThisHost(process.pid);
    return isOurs ? (configOf(process) ?? []) : [];
  });
  for (const config of [...running, ...STANDARD_CONFIGS])
    if (!places.has(resolve(config)) && existsSync(config)) places.set(resolve(config), { config });
  return [...places.values()];
}

/** Programs of others that a supervisord starts when it starts. */
export function claimsOfPrograms(places: readonly SupervisordPlace[]): Claims {
  const claims: Claim[] = [];
  const unreadable: string[] = [];
  for (const { config, own } of places) {
    if (!existsSync(config)) continue;
    const read = readConfig(config, { skip: (path) => path === own });
    const problem = read.problems.find(({ code }) => code === 'supervisord-unreadable');
    if (problem !== undefined) unreadable.push(problem.summary);
    for (const group of read.groups) {
      for (const { name, section, options, processes } of group.programs) {
        if (!options.autostart) continue;
        const command = section.options.get('command');
        const where = `${command?.source.path ?? section.source.path}:${command?.line ?? section.line}`;
        const runs = processes.map(({ command: text, directory }) => ({
          argv: quotedWords(text),
          cwd: directory ?? read.server.directory,
          user: options.user ?? read.server.user,
          where,
          main: true,
        }));
        const program = group.kind === 'group' ? `${group.name}:${name}` : name;
        const parts = processes.map((process): Thing => {
          return { kind: 'program', program: `${group.name}:${process.name}`, config: read.path };
        });
        if (runs.length > 0)
          claims.push({ what: 'program', thing: { kind: 'program', program, config: read.path }, parts, runs });
      }
    }
  }
  return { claims, unreadable };
}
