import { accessSync, closeSync, constants, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { unguarded } from '../../guard.ts';
import { findGroup, findUser, self, type User } from '../../host/users.ts';
import type { Service } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import { environmentOf } from './environment.ts';
import { findProgram, tool } from './programs.ts';
import type { Settings } from './settings.ts';

/** The first thing that stands in the way of starting a service here; reads only. */
export async function check(
  service: Pick<Service, 'id' | 'file'>,
  settings: Settings,
  defaultLogs: string,
): Promise<Problem | undefined> {
  const problem = (field: string, because: string, hint: string): Problem => ({
    code: 'cannot-start',
    summary: `cannot start ${service.id}: ${because}`,
    file: service.file,
    field,
    hint,
  });

  const root = process.getuid?.() === 0;
  let user: User | undefined;
  if (settings.user !== undefined) {
    user = await findUser(settings.user);
    if (user === undefined) return problem('user', `there is no user '${settings.user}'`, 'make it, or name another');
    if (!root && user.uid !== self().uid) {
      return problem('user', `only root can start it as ${user.name}`, 'run reconcile as root, or leave `user` out');
    }
    const group = settings.group === undefined ? undefined : await findGroup(settings.group);
    if (settings.group !== undefined && group === undefined) {
      return problem('user', `there is no group '${settings.group}'`, 'make it, or name another');
    }
    if (!root && group !== undefined && group.gid !== self().gid) {
      return problem('user', `only root can start it as group ${group.name}`, 'run reconcile as root, or leave it out');
    }
  }
  const { directory } = settings;
  const stat = statSync(directory, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) {
    const because = stat === undefined ? `directory ${directory} does not exist` : `${directory} is not a directory`;
    return problem('directory', because, 'make it, or correct `directory`');
  }
  let environment: Record<string, string>;
  try {
    environment = environmentOf(settings, user);
  } catch (error) {
    const path = (error as NodeJS.ErrnoException).path ?? settings.environmentFiles.find((file) => !readable(file));
    return problem(
      'environmentFiles',
      `cannot read environment file ${path}: ${why(error)}`,
      'make it, or take it out',
    );
  }
  return (
    checkCommand(settings, environment, user, problem) ??
    checkLogs(settings, defaultLogs, problem) ??
    checkLimits(settings, root, problem)
  );
}

type Report = (field: string, because: string, hint: string) => Problem;

function checkCommand(
  { command, directory }: Settings,
  environment: Readonly<Record<string, string>>,
  user: User | undefined,
  problem: Report,
): Problem | undefined {
  // A unit that says itself what it runs: systemd looks for that.
  if (command.length === 0) return undefined;
  const [program = '', ...rest] = unguarded(command);
  const path = findProgram(program, directory, environment.PATH ?? '');
  if (path === undefined) {
    const file = program.includes('/') ? (isAbsolute(program) ? program : join(directory, program)) : undefined;
    const stat = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false });
    if (file === undefined) {
      return problem('command', `no program '${program}' in PATH (${environment.PATH})`, 'write its absolute path');
    }
    if (stat === undefined)
      return problem('command', `command ${file} does not exist`, 'install it, or correct `command`');
    if (stat.isDirectory()) return problem('command', `command ${file} is a directory`, 'correct `command`');
    return problem('command', `command ${file} is not executable`, `chmod +x ${file}`);
  }
  if (user !== undefined && !executableBy(path, user)) {
    return problem('command', `user ${user.name} may not execute ${path}`, `chmod o+x ${path}, or name another user`);
  }
  const interpreter = interpreterOf(path);
  if (interpreter !== undefined && findProgram(interpreter, directory, environment.PATH ?? '') === undefined) {
    return problem(
      'command',
      `the interpreter of ${path} does not exist: ${interpreter}`,
      'install it, or correct the #! line',
    );
  }
  const script = scriptOf(path, rest);
  const file = script === undefined || isAbsolute(script) ? script : join(directory, script);
  if (file !== undefined && statSync(file, { throwIfNoEntry: false }) === undefined) {
    return problem('command', `script ${file} does not exist`, 'correct `command` or `directory`');
  }
  return undefined;
}

/** As far as mode bits tell: access lists and supplementary groups may allow more, so only a clear no counts. */
function executableBy(path: string, user: User): boolean {
  const { mode, uid, gid } = statSync(path);
  if (user.uid === 0 || (mode & 0o001) !== 0) return true;
  return uid === user.uid ? (mode & 0o100) !== 0 : gid !== 0 && (mode & 0o010) !== 0;
}

/** The program a script's first line names. */
function interpreterOf(path: string): string | undefined {
  const buffer = Buffer.alloc(256);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const line = buffer.toString('latin1', 0, readSync(fd, buffer)).split('\n', 1)[0] ?? '';
    const [, program, argument] = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(line) ?? [];
    const env = program !== undefined && basename(program) === 'env' && argument !== undefined;
    return env && /^[A-Za-z0-9._/-]+$/.test(argument) && !argument.startsWith('-') ? argument : program;
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

const INTERPRETER = /^(node|nodejs|python[0-9.]*|ruby[0-9.]*|perl[0-9.]*|bash|sh|dash|php[0-9.]*|deno|bun)$/;
const SCRIPT = /\.(m?js|cjs|m?ts|py|rb|pl|sh|php)$/;

/** The script an interpreter is to run, only where it clearly is one: the first argument, with the ending of a script. */
function scriptOf(program: string, [first]: readonly string[]): string | undefined {
  if (first === undefined || first.startsWith('-') || first.includes('://')) return undefined;
  return INTERPRETER.test(basename(program)) && SCRIPT.test(first) ? first : undefined;
}

function checkLogs({ logs }: Settings, defaultLogs: string, problem: Report): Problem | undefined {
  for (const [field, path] of [
    ['logs.stdout', logs.stdout],
    ['logs.stderr', logs.stderr],
  ] as const) {
    const folder = dirname(path);
    // The folder of default logs is made with the first start.
    if (folder === defaultLogs) continue;
    const stat = statSync(folder, { throwIfNoEntry: false });
    if (!stat?.isDirectory()) return problem(field, `log folder ${folder} does not exist`, `mkdir -p ${folder}`);
    const file = statSync(path, { throwIfNoEntry: false });
    if (file !== undefined && !file.isFile() && !file.isCharacterDevice()) {
      return problem(field, `log ${path} is no regular file`, 'name another');
    }
    if (!writable(file === undefined ? folder : path)) {
      return problem(field, `log ${path} cannot be written: permission denied`, 'name another, or change its owner');
    }
  }
  return undefined;
}

/** As prlimit calls them, as /proc/self/limits does. */
const NAMES: Readonly<Record<string, readonly [field: string, name: string]>> = {
  as: ['limits.addressSpace', 'Max address space'],
  nofile: ['limits.openFiles', 'Max open files'],
  nproc: ['limits.processes', 'Max processes'],
  core: ['limits.core', 'Max core file size'],
  fsize: ['limits.fileSize', 'Max file size'],
  memlock: ['limits.lockedMemory', 'Max locked memory'],
  stack: ['limits.stack', 'Max stack size'],
};

function checkLimits({ limits, user }: Settings, root: boolean, problem: Report): Problem | undefined {
  const options = Object.entries(limits);
  for (const name of [...(options.length > 0 ? ['prlimit'] : []), ...(user === undefined ? [] : ['setpriv'])]) {
    if (tool(name) === name) return problem('limits', `the program ${name} is missing`, 'install util-linux');
  }
  if (root || options.length === 0) return undefined;
  const text = readFileSync('/proc/self/limits', 'utf8');
  for (const [option, value] of options) {
    const [field, name] = NAMES[option] ?? ['limits', ''];
    const hard = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, 'm').exec(text)?.[1];
    if (hard !== undefined && hard !== 'unlimited' && value > Number(hard)) {
      return problem(
        field,
        `${field} is above the hard limit (${hard}), which only root can raise`,
        'lower it, or run reconcile as root',
      );
    }
  }
  return undefined;
}

function writable(path: string): boolean {
  return may(path, constants.W_OK);
}

function readable(path: string): boolean {
  return may(path, constants.R_OK);
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
