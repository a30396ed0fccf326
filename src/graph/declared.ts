import { realpathSync } from 'node:fs';
import type { Service, ServiceId, SupervisorName } from '../model.ts';
import { unitOf } from '../supervisors/systemd/names.ts';
import { type Thing, thingsOf } from '../thing.ts';
import { type Command, keyOf, readCommand } from './command.ts';
import type { Wanted } from './match.ts';

/** What is looked for on the host of a declared service. */
export interface Declared {
  readonly id: ServiceId;
  readonly supervisor: SupervisorName;
  /** Undefined where it is about a unit of others. */
  readonly command: readonly string[] | undefined;
  /** Undefined where any will do. */
  readonly directory: string | undefined;
  readonly user: string | undefined;
  /** The unit that it is, where systemd runs it. */
  readonly unit?: string;
  readonly supersedes: readonly Thing[];
}

export function declaredOf(service: Service): Declared {
  const { id, supervisor, written } = service;
  return {
    id,
    supervisor,
    command: written.command,
    directory: written.directory ?? '/',
    // Nobody else than root could run as another user.
    user: written.user ?? (process.getuid?.() === 0 ? 'root' : undefined),
    ...(supervisor === 'systemd' ? { unit: unitOf(service) } : {}),
    supersedes: thingsOf(written),
  };
}

export interface Candidate {
  readonly service: Declared;
  readonly wanted: Wanted;
  readonly command: Command;
}

/** Services by what their commands come down to: only those of the same key as a process have to be compared with it. */
export interface Index {
  ofKey(key: string): readonly Candidate[];
  /** Of these, those with the very same arguments. */
  withArguments(key: string, args: readonly string[]): readonly Candidate[];
  /** And those whose arguments are the first of these: no others can match a command line that is as it was written. */
  withFirstOf(key: string, args: readonly string[]): readonly Candidate[];
}

export function indexOf(services: readonly Declared[]): Index {
  // Most services share a few directories, and following links costs more than all the rest.
  const real = new Map<string, string>();
  const follow = (directory: string) => {
    const known = real.get(directory) ?? followed(directory);
    real.set(directory, known);
    return known;
  };
  const candidates = services.flatMap((service): Candidate[] => {
    const command = service.command === undefined ? undefined : readCommand(service.command);
    return command === undefined ? [] : [{ service, command, wanted: wantedOf(service, follow) }];
  });
  const byKey = Map.groupBy(candidates, ({ command }) => keyOf(command));
  // Of a thousand services of one program each is told by its arguments.
  const line = (key: string, args: readonly string[]) => [key, ...args].join('\0');
  const byLine = Map.groupBy(candidates, ({ command }) => line(keyOf(command), command.args));
  const withArguments: Index['withArguments'] = (key, args) => byLine.get(line(key, args)) ?? [];
  return {
    ofKey: (key) => byKey.get(key) ?? [],
    withArguments,
    withFirstOf: (key, args) =>
      byKey.has(key) ? [...args.keys(), args.length].flatMap((n) => withArguments(key, args.slice(0, n))) : [],
  };
}

export function wantedOf({ command = [], directory, user }: Declared, follow = followed): Wanted {
  if (directory === undefined) return { command, user };
  const real = follow(directory);
  return { command, directory, user, ...(real === directory ? {} : { realDirectory: real }) };
}

function followed(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
}
