import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { variablesOf } from '../../host/procfs.ts';
import { type Problem, why } from '../../problem.ts';
import { glob } from './glob.ts';
import { Ini, type Overwritten, type Section, type Source, sourceOf } from './ini.ts';
import { type Listener, listenersOf } from './listeners.ts';
import { type Group, groupsOf } from './native-groups.ts';
import { processOf } from './process.ts';
import { words } from './python.ts';
import { type Environment, Reader, refusal, type Scope } from './reader.ts';
import { type ServerOptions, serverOptionsOf } from './server-options.ts';

/** What a supervisord reads from its configuration. */
export interface SupervisordConfig {
  /** Of the main file, absolute. */
  readonly path: string;
  /** All files that were read, the main one first, then those that it includes, in order. */
  readonly files: readonly string[];
  /** By the text between the brackets, in the order that they come first; variables are not in place. */
  readonly sections: ReadonlyMap<string, Section>;
  /** Of [DEFAULT]. */
  readonly defaults: Section['options'];
  readonly server: ServerOptions;
  readonly listeners: readonly Listener[];
  /** In the order that supervisord starts them. */
  readonly groups: readonly Group[];
  /**
   * What it would refuse the configuration for, all of it: with any, it does not start, and a reread fails. The rest is as it
   * would be without.
   */
  readonly problems: readonly Problem[];
  /** Those of the problems that are about one section, and what of it can't be told, by its name. */
  readonly faults: ReadonlyMap<string, readonly Problem[]>;
  readonly overwritten: readonly Overwritten[];
  /** What it takes without a complaint to anybody who would hear it: patterns of [include] that stand for no file. */
  readonly warnings: readonly Problem[];
}

export interface ReadOptions {
  /** What `%(ENV_X)s` refers to: that of the supervisord itself by default, where it runs. */
  readonly environment?: Environment;
  /** Where it was started: what relative paths are relative to. */
  readonly cwd?: string;
  /** Included files that are known to be well and are not to be read. */
  readonly skip?: (path: string) => boolean;
  /** Folders that are made before it starts. */
  readonly made?: readonly string[];
}

/**
 * Reads a supervisord configuration as supervisord itself does (supervisor.options: ServerOptions.read_config). Never throws:
 * what it would refuse, and what we can't read, is told.
 */
export function readConfig(path: string, options: ReadOptions = {}): SupervisordConfig {
  const { environment, unknown, ...config } = readOnce(path, options);
  if (unknown.length === 0) return config;
  if (environment === undefined) {
    const pid = processOf(config.path, config.server.pidfile);
    const variables = pid === undefined ? undefined : variablesOf(pid);
    if (variables !== undefined) return readConfig(path, { ...options, environment: variables });
  }
  // Of a program it is enough to know that it is there.
  const [vital, other] = [true, false].map((is) => unknown.filter(({ section }) => isVital(section) === is));
  return {
    ...config,
    problems: [...config.problems, ...(vital ?? []).map(bare)],
    warnings: [...config.warnings, ...(other ?? []).map(bare)],
  };
}

function isVital(section: string): boolean {
  return section === 'supervisord' || section === 'include' || /^(unix|inet)_http_server/.test(section);
}

function bare({ section: _, ...problem }: Reader['unknown'][number]): Problem {
  return problem;
}

interface FirstReading extends SupervisordConfig {
  readonly environment: Environment | undefined;
  readonly unknown: Reader['unknown'];
}

function readOnce(path: string, options: ReadOptions): FirstReading {
  const { environment, cwd = '/', skip = () => false } = options;
  const main = resolve(cwd, path);
  const here = dirname(main);
  const ini = new Ini();
  const reader = new Reader(ini, environment, options.made);
  const files: string[] = [];
  const warnings: Problem[] = [];

  const add = (file: string): boolean => {
    const source = read(file, file !== main, reader.problems);
    if (source === undefined) return false;
    files.push(file);
    for (const { because, ...where } of ini.add(source)) {
      reader.problems.push(refusal(where, undefined, `cannot read this line: ${because}`));
    }
    return true;
  };
  if (add(main)) {
    for (const file of included(reader, here, warnings)) {
      if (skip(file)) continue;
      add(file);
      ini.expandHere(dirname(resolve(file)));
    }
    if (!ini.sections.has('supervisord') && reader.problems.length === 0) {
      const summary = `supervisord cannot use ${main}: it has no [supervisord] section`;
      reader.problems.push({ code: 'supervisord-refuses', summary, file: main });
    }
  }
  const server = serverOptionsOf(reader, here, hostname(), cwd);
  checkInterfaces(reader);
  const surroundings = { here, hostname: hostname(), environment: server.environment };
  return {
    path: main,
    files,
    sections: ini.sections,
    defaults: ini.defaults,
    server,
    groups: groupsOf(reader, surroundings),
    listeners: listenersOf(reader, here, cwd),
    problems: reader.problems,
    faults: reader.faults,
    overwritten: ini.overwritten,
    warnings,
    environment,
    unknown: reader.unknown,
  };
}

/** supervisord passes over an included file that it can't open; we must not, since it may run as somebody who can. */
function read(path: string, isIncluded: boolean, problems: Problem[]): Source | undefined {
  try {
    const bytes = readFileSync(path);
    const source = sourceOf(path, bytes.toString('utf8'));
    if (isUtf8(bytes)) return source;
    const line = 1 + source.lines.findIndex((text) => text.includes('\ufffd'));
    problems.push(refusal({ source, line }, undefined, 'cannot read this line: it is not UTF-8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (isIncluded && (code === 'ENOENT' || code === 'EISDIR' || code === 'ELOOP' || code === 'ENXIO'))
      return undefined;
    const summary = `cannot read ${path}: ${why(error)}`;
    problems.push({ code: code === 'ENOENT' ? 'supervisord-refuses' : 'supervisord-unreadable', summary, file: path });
  }
  return undefined;
}

/** The files that [include] of the main file names; any further [include] in those is nothing to supervisord. */
function included(reader: Reader, here: string, warnings: Problem[]): readonly string[] {
  const { ini } = reader;
  const section = ini.sections.get('include');
  if (section === undefined) return [];
  ini.expandHere(here);
  const files = reader.raw(section, 'files');
  if (files === undefined) {
    reader.refuse(section, undefined, 'it has no files');
    return [];
  }
  const scope: Scope = new Map([
    ['here', here],
    ['host_node_name', hostname()],
  ]);
  const patterns = words(reader.expand(section, 'files', files, scope) ?? '');
  return patterns.flatMap((pattern) => {
    const found = glob(pattern.startsWith('/') ? pattern : `${here === '/' ? '' : here}/${pattern}`);
    if (found.length === 0) {
      const summary = `no file is included by ${pattern}`;
      warnings.push({ code: 'supervisord-includes-nothing', summary, file: section.source.path });
    }
    return found;
  });
}

/** supervisor.options: get_plugins. What they are made of is loaded by supervisord alone. */
function checkInterfaces(reader: Reader): void {
  for (const section of reader.ini.sections.values()) {
    if (!section.name.startsWith('rpcinterface:')) continue;
    if (!reader.has(section, FACTORY)) reader.refuse(section, undefined, `it has no ${FACTORY}`);
    for (const name of reader.ini.optionsOf(section).keys()) reader.text(section, name, new Map());
  }
}

const FACTORY = 'supervisor.rpcinterface_factory';
