import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Problem } from '../../problem.ts';
import { SECRET_KEY } from '../../secrets.ts';
import { accountOf } from './account.ts';
import { expand } from './expand.ts';
import { type Ini, type Option, positionOf, type Section } from './ini.ts';
import { folderOf, integer } from './python.ts';
import type { Kind } from './values.ts';

/** Names that an option may refer to besides ENV_NAME. */
export type Scope = Map<string, string | number>;

export type Environment = (name: string) => string | undefined;

/**
 * Reads options of sections as supervisord does (supervisor.options: UnhosedConfigParser.saneget), and collects all that it
 * would refuse the configuration for: it stops at the first.
 */
export class Reader {
  readonly ini: Ini;
  readonly problems: Problem[] = [];
  /** All of both by the section that it is about. */
  readonly faults = new Map<string, Problem[]>();
  /** What can't be told, since it depends on an environment that is not known; it is taken for not said. */
  readonly unknown: (Problem & { readonly section: string })[] = [];
  readonly #environment: Environment | undefined;
  /** What [supervisord] gives its programs, which later options may refer to. */
  readonly #given = new Map<string, string>();
  readonly #folders = new Map<string, boolean>();

  /** `made`: folders that are made before it starts, and so count as there. */
  constructor(ini: Ini, environment: Environment | undefined, made: readonly string[] = []) {
    this.ini = ini;
    this.#environment = environment;
    for (const folder of made) this.#folders.set(folder, true);
  }

  give(environment: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(environment)) this.#given.set(`ENV_${name}`, value);
  }

  /** What `ENV_NAME` stands for. */
  variable(name: string): string | undefined {
    if (!name.startsWith('ENV_')) return undefined;
    return this.#given.get(name) ?? this.#environment?.(name.slice('ENV_'.length));
  }

  has(section: Section, name: string): boolean {
    return this.ini.option(section, name) !== undefined;
  }

  raw(section: Section, name: string): string | undefined {
    return this.ini.option(section, name)?.value;
  }

  /** An option with its variables in place; undefined where there is none, or none that it takes. */
  text(section: Section, name: string, scope: Scope): string | undefined {
    const option = this.ini.option(section, name);
    return option === undefined ? undefined : this.expand(section, name, option.value, scope);
  }

  /** The variables of a text of an option, some of which supervisord expands more than once. */
  expand(section: Section, name: string, text: string, scope: Scope): string | undefined {
    if (!text.includes('%')) return text;
    let missing: string | undefined;
    const expansion = expand(text, (variable) => {
      const value = scope.get(variable) ?? this.variable(variable);
      if (value !== undefined || this.#environment !== undefined || !variable.startsWith('ENV_')) return value;
      missing = variable;
      return '';
    });
    if (missing !== undefined) this.#miss(section, name, missing);
    else if (expansion.kind === 'refused') this.refuse(section, name, expansion.because);
    return missing === undefined && expansion.kind === 'text' ? expansion.text : undefined;
  }

  value<T>(section: Section, name: string, kind: Kind<T>, fallback: T, scope: Scope): T {
    const text = this.text(section, name, scope);
    if (text === undefined) return fallback;
    const value = kind.of(text);
    if (value !== undefined) return value;
    this.refuse(section, name, `${SECRET_KEY.test(name) ? 'it' : `'${text}'`} is not ${kind.wanted}`);
    return fallback;
  }

  /** A user that has to be there, by name or number. */
  user(section: Section, name: string, scope: Scope): string | undefined {
    const user = this.text(section, name, scope);
    if (user !== undefined) this.demandUser(section, name, user);
    return user;
  }

  /** `user` or `user:group`; both have to be there. */
  owner(section: Section, name: string, scope: Scope): string | undefined {
    const owner = this.text(section, name, scope);
    if (owner === undefined) return undefined;
    const colon = owner.indexOf(':');
    this.demandUser(section, name, colon === -1 ? owner : owner.slice(0, colon));
    const group = colon === -1 ? undefined : owner.slice(colon + 1);
    if (group !== undefined && !isGroup(group)) this.refuse(section, name, `there is no group ${group} on this host`);
    return owner;
  }

  demandUser(section: Section, name: string, user: string): void {
    const known = accountOf(String(integer(user) ?? user));
    if (known === undefined) this.refuse(section, name, `there is no user ${user} on this host`);
  }

  /** A file whose folder has to be there. That of a relative path depends on where supervisord was started. */
  file(section: Section, name: string, path: string): string {
    const expanded = this.home(path);
    const folder = folderOf(expanded);
    if (folder.startsWith('/') && !this.#isFolder(folder)) this.refuse(section, name, `there is no folder ${folder}`);
    return expanded;
  }

  /** A folder that has to be there. */
  folder(section: Section, name: string, path: string): string {
    const expanded = this.home(path);
    if (expanded.startsWith('/') && !this.#isFolder(expanded)) {
      this.refuse(section, name, `there is no folder ${expanded}`);
    }
    return expanded;
  }

  /** os.path.expanduser: `~` is the home of whoever supervisord runs as. */
  home(path: string): string {
    const [whole, user] = /^~([^/]*)/.exec(path) ?? [];
    if (whole === undefined) return path;
    const own = this.variable('ENV_HOME') ?? accountOf(String(process.getuid?.() ?? 0))?.home;
    const home = (user === '' ? own : accountOf(user ?? '')?.home)?.replace(/\/+$/, '');
    return home === undefined ? path : home + path.slice(whole.length) || '/';
  }

  refuse(section: Section, name: string | undefined, because: string): void {
    const option = name === undefined ? undefined : this.ini.option(section, name);
    const what = option === undefined ? `[${section.name}]` : `${name} in [${section.name}]`;
    const problem = refusal(option ?? section, name, `cannot take ${what}: ${because}`);
    // Each of many processes has the same.
    if (this.problems.some(({ summary }) => summary === problem.summary)) return;
    this.problems.push(problem);
    this.#fault(section, problem);
  }

  #fault({ name }: Section, problem: Problem): void {
    this.faults.set(name, [...(this.faults.get(name) ?? []), problem]);
  }

  #miss(section: Section, name: string, variable: string): void {
    const summary = `cannot tell ${name} of [${section.name}]: it depends on the environment that supervisord was started with`;
    const at = positionOf(this.ini.option(section, name) ?? section, name);
    const hint = `write down what %(${variable})s stands for`;
    const problem = { code: 'supervisord-unreadable', summary, at, hint };
    this.unknown.push({ ...problem, section: section.name });
    this.#fault(section, problem);
  }

  #isFolder(path: string): boolean {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    let is = false;
    try {
      is = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    } catch {
      // Not for us to see, and no reason to think that it is missing.
      is = true;
    }
    this.#folders.set(path, is);
    return is;
  }
}

/** What supervisord refuses a configuration for, in its own right or by its place in a file. */
export function refusal(
  where: Pick<Option, 'source' | 'line'>,
  name: string | undefined,
  what: string,
  hint?: string,
): Problem {
  const more = hint === undefined ? {} : { hint };
  return { code: 'supervisord-refuses', summary: `supervisord ${what}`, at: positionOf(where, name), ...more };
}

function isGroup(name: string): boolean {
  try {
    execFileSync('getent', ['--', 'group', String(integer(name) ?? name)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
