import type { Target } from './deeds.ts';
import { baseOf } from './programs.ts';
import type { Generation, Subject } from './samples.ts';

/** Is this subject, or one of its processes, what a command was told to do something to? Pure. */
export function touches(target: Target, { handle }: Subject, generations: readonly Generation[]): boolean {
  switch (target.kind) {
    case 'units':
      if (handle.kind === 'unit')
        return handle.user === (target.user === true) && target.names.some((name) => isUnit(name, handle.unit));
      // With the unit that a supervisord runs in, all its programs are restarted.
      return generations.some(({ process: { group } }) => {
        if (group?.kind !== 'unit' || (group.scope === 'user') !== (target.user === true)) return false;
        return target.names.some((name) => isUnit(name, group.unit));
      });
    case 'programs': {
      if (handle.kind !== 'program') return false;
      const { config, server } = target;
      // A relative path may be any: then it is by its name that it is known.
      if (config?.startsWith('/') && handle.config !== undefined && config !== handle.config) return false;
      if (server !== undefined && handle.server !== undefined && server !== handle.server) return false;
      return target.names.some((name) => isProgram(name, handle.group, handle.program));
    }
    case 'pids':
      return generations.some(({ process: { pid }, pgrp }) =>
        target.pids.some((each) => each === pid || each === -pgrp),
      );
    case 'pattern':
      return generations.some(({ process: { argv, comm } }) => fits(target, argv, comm));
  }
}

function isUnit(name: string, unit: string): boolean {
  const full = /\.(service|timer|socket|target|path|mount|scope|slice|device|swap|automount)$/.test(name)
    ? name
    : `${name}.service`;
  if (full === unit) return true;
  return /[*?[]/.test(name) && (regexpOf(name).test(unit) || regexpOf(full).test(unit));
}

/** As systemctl reads it: `*`, `?`, `[ab]`. */
function regexpOf(glob: string): RegExp {
  const text = glob
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
    .replace(/\[!/g, '[^');
  try {
    return new RegExp(`^${text}$`);
  } catch {
    return /^\b$/;
  }
}

/** `all`, `group:*`, `group:name`; a name alone is of a program that is a group by itself. */
function isProgram(name: string, group: string, program: string): boolean {
  if (name === 'all' || name === `${group}:*` || name === `${group}:` || name === `${group}:${program}`) return true;
  return name === program && (group === program || group === '');
}

function fits(
  { pattern, whole, exact }: Extract<Target, { kind: 'pattern' }>,
  argv: readonly string[],
  comm: string,
): boolean {
  const text = whole ? argv.join(' ') : comm;
  // The kernel cuts the name.
  if (exact)
    return text === pattern || (!whole && (pattern.slice(0, 15) === comm || baseOf(argv[0] ?? '') === pattern));
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return text.includes(pattern);
  }
}
