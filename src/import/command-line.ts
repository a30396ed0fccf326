import { accessSync, constants } from 'node:fs';
import { basename } from 'node:path';
import { readCommand } from '../graph/command.ts';
import { nameFor, nameOfProgram } from './service-names.ts';

/** What a command line is called: by its script, module or program. */
export function nameOfCommand(argv: readonly string[]): string {
  const command = readCommand(argv, true);
  if (command === undefined) return nameFor(argv[0] ?? '');
  switch (command.kind) {
    case 'program':
    case 'script':
      return nameOfProgram(command.path);
    case 'module':
      return nameFor(command.module);
    case 'code':
      return nameFor(command.family);
  }
}

/** The program that a name stands for in a PATH; undefined where it stands for none. */
export function findProgram(name: string, path: string): string | undefined {
  if (name.includes('/')) return name;
  const folders = path.split(':').filter((folder) => folder.startsWith('/'));
  return folders.map((folder) => `${folder.replace(/\/$/, '')}/${name}`).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What only starts something else and ends, so that there is nothing of its own to keep running. */
export function startsAnother(argv: readonly string[]): string | undefined {
  const command = readCommand(argv, true);
  if (command === undefined || !('path' in command)) return undefined;
  const { args } = command;
  const name = basename(command.path);
  const says = (...words: readonly string[]) => args.some((arg) => words.includes(arg));
  if (/^\/etc\/(init\.d|rc\.d)\//.test(command.path)) return 'an init script';
  switch (name) {
    case 'systemctl':
    case 'service':
    case 'initctl':
    case 'rc-service':
      return says('start', 'restart', 'enable') ? `\`${name}\`` : undefined;
    case 'supervisorctl':
    case 'supervisord':
    case 'start-stop-daemon':
    case 'pm2':
    case 'screen':
    case 'tmux':
    case 'at':
      return `\`${name}\``;
    case 'docker':
    case 'podman':
      return says('start', 'up', '-d', '--detach') ? `\`${name}\`` : undefined;
    default:
      return undefined;
  }
}
