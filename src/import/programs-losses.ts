import type { Position, Problem } from '../problem.ts';
import { maskFile, SECRET_KEY } from '../secrets.ts';
import type { SupervisordConfig } from '../supervisors/supervisord/config-file.ts';
import { ignoredIn } from '../supervisors/supervisord/ignored.ts';
import { type Option, positionOf } from '../supervisors/supervisord/ini.ts';
import type { Loss } from './found.ts';

/** An option that is not carried. */
export function lossOf(option: Option, why: string): Loss {
  return { key: option.name, value: shownValue(option), at: shownPlace(positionOf(option, option.name)), why };
}

/** One that nobody ever looked at, or only at something else in its place; `because` follows "it never had an effect: ". */
export function idleOf(option: Option, because: string): Loss {
  return { ...lossOf(option, `it never had an effect: ${because}`), noEffect: true };
}

/** Where something is, without the secrets of that line. */
export function shownPlace(at: Position): Position {
  const excerpt = masked(at.excerpt);
  return { ...at, excerpt, length: Math.min(at.length, Math.max(1, excerpt.length)) };
}

export function shownProblem(problem: Problem): Problem {
  return problem.at === undefined ? problem : { ...problem, at: shownPlace(problem.at) };
}

/** A line `option=value`, as the arguments of a command. */
function masked(line: string): string {
  return maskFile({ path: '', to: line }).to ?? '';
}

/** On one line, without what may be secret. */
export function shownValue({ name, value }: Option): string {
  if (SECRET_KEY.test(name)) return '***';
  const line = value.replace(/\s*\n\s*/g, ' ');
  if (!name.includes('env')) return masked(`=${line}`).slice(1);
  return line.replace(/("?[^,=\s]+"?)\s*=\s*("[^"]*"|'[^']*'|[^,]*)/g, '$1=***');
}

const unheards = new WeakMap<SupervisordConfig, ReadonlyMap<string, readonly Loss[]>>();

/** What nobody ever looked at, or only at what was said later, by section. */
export function unheardIn(config: SupervisordConfig): ReadonlyMap<string, readonly Loss[]> {
  const known = unheards.get(config);
  if (known !== undefined) return known;
  const all = [...ignoredLosses(config), ...overwrittenLosses(config)];
  const found = new Map(
    [...Map.groupBy(all, ([section]) => section)].map(([section, of]) => [section, of.map(([, loss]) => loss)]),
  );
  unheards.set(config, found);
  return found;
}

type OfSection = readonly [section: string, loss: Loss];

function ignoredLosses(config: SupervisordConfig): readonly OfSection[] {
  return ignoredIn(config).map(({ section, option, problem }): OfSection => {
    const { at, hint } = problem;
    if (option !== undefined) return [section, idleOf(option, `supervisord ${ignoredWords(option, hint)}`)];
    const why = `supervisord ignores the section${hint === undefined ? '' : ` (${hint})`}`;
    return [section, { key: `[${section}]`, ...(at === undefined ? {} : { at }), why, noEffect: true }];
  });
}

function overwrittenLosses({ overwritten }: SupervisordConfig): readonly OfSection[] {
  return overwritten.map(({ section, option, by }): OfSection => {
    const where = `${by.source.path === option.source.path ? 'line ' : `${by.source.path}:`}${by.line}`;
    return [section, idleOf(option, `it is said again in ${where}, and that counts`)];
  });
}

function ignoredWords({ name }: Option, hint: string | undefined): string {
  if (name === 'files') return 'includes nothing from a file that it includes';
  const right = /^limits\..* in the service$/.test(hint ?? '')
    ? hint?.replace(' in the service', ' would set it')
    : hint;
  return `knows no such option and ignores it${right === undefined ? '' : ` (${right})`}`;
}
