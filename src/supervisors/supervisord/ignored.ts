import { closest } from '../../closest.ts';
import type { Problem } from '../../problem.ts';
import { formatSize } from '../../units.ts';
import type { SupervisordConfig } from './config-file.ts';
import { type Option, positionOf } from './ini.ts';
import { knownOptions, SECTION_NAMES } from './known.ts';
import { BYTES } from './values.ts';

/** What nobody looks at: a section, or an option of one. */
export interface Ignored {
  /** `DEFAULT` too. */
  readonly section: string;
  /** Undefined where it is the section as a whole. */
  readonly option: Option | undefined;
  readonly problem: Problem;
}

/** What a configuration says and supervisord ignores without a word, where it is said. */
export function ignoredKeys(config: SupervisordConfig): Problem[] {
  return ignoredIn(config).map(({ problem }) => problem);
}

export function ignoredIn({ path, sections, defaults }: SupervisordConfig): readonly Ignored[] {
  const found: Ignored[] = [];
  const add = (section: string, option: Option | undefined, problem: Problem) => {
    found.push({ section, option, problem });
  };
  const used = new Set<string>();
  let anyUsed = false;
  for (const { name, options, ...where } of sections.values()) {
    const known = knownOptions(name);
    if (known === 'any') anyUsed = true;
    else if (known === undefined)
      add(name, undefined, ignored(`the section [${name}]`, where, undefined, sectionHint(name)));
    else {
      for (const each of known) used.add(each);
      for (const option of options.values()) {
        if (!known.includes(option.name)) add(name, option, ofOption(option, known));
        else if (name === 'include' && option.source.path !== path) {
          const hint = `include it in ${path}`;
          add(name, option, ignored('an [include] in a file that is included', option, option.name, hint));
        }
      }
    }
  }
  for (const option of anyUsed ? [] : defaults.values()) {
    if (!used.has(option.name)) add('DEFAULT', option, ofOption(option, [...used]));
  }
  return found;
}

function ofOption(option: Option, known: readonly string[]): Problem {
  const { name, value } = option;
  const limit = LIMITS[name.replace(/^(r?limit|ulimit)_/, '')];
  if (limit !== undefined && /^(r?limit|ulimit)_/.test(name)) {
    const [field, isSize] = limit;
    const bytes = BYTES.of(value);
    const right = bytes === undefined || bytes < 0 ? '…' : isSize ? formatSize(bytes) : String(bytes);
    return ignored(`'${name}'`, option, name, `limits.${field}: ${right} in the service`, ': the limit is not set');
  }
  const near = closest(name, [...known, ...Object.keys(OTHERS)]);
  const right = near === undefined ? undefined : (OTHERS[near] ?? near);
  const isRight = right !== undefined && known.includes(right);
  return ignored(`'${name}'`, option, name, isRight ? `did you mean ${right}?` : undefined);
}

/** What the same is called elsewhere. */
const OTHERS: Readonly<Record<string, string>> = {
  cwd: 'directory',
  env: 'environment',
  restart: 'autorestart',
  retries: 'startretries',
  workdir: 'directory',
};

/** What people write for limits, by the name that the system gives them, and the field of ours that sets them. */
const LIMITS: Readonly<Record<string, readonly [field: string, isSize: boolean]>> = {
  as: ['addressSpace', true],
  core: ['core', true],
  fsize: ['fileSize', true],
  memlock: ['lockedMemory', true],
  nofile: ['openFiles', false],
  nproc: ['processes', false],
  stack: ['stack', true],
};

function sectionHint(name: string): string | undefined {
  const [head = '', ...rest] = name.split(':');
  const near = closest(head, SECTION_NAMES);
  return near === undefined ? undefined : `did you mean [${[near, ...rest].join(':')}]?`;
}

function ignored(
  what: string,
  where: Pick<Option, 'source' | 'line'>,
  name: string | undefined,
  hint: string | undefined,
  so = '',
): Problem {
  const summary = `supervisord ignores ${what} without a word${so}`;
  return { code: 'ignored-key', summary, at: positionOf(where, name), ...(hint === undefined ? {} : { hint }) };
}
