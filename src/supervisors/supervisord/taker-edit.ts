import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../problem.ts';
import type { Taken } from '../../thing.ts';
import { editFile, fromBytes, linesOf, partsOfLine } from '../shared/edit.ts';
import { formatMarker, type Marker, parseMarker } from '../shared/taken-marker.ts';
import { Ini, type Section, sourceOf } from './ini.ts';
import { indentOf, strip } from './python.ts';

/** A marker of ours in a configuration file: below it stands `autostart=false`, unless somebody has changed that. */
export interface TakenLine extends Marker {
  /** From 1. */
  readonly line: number;
  /** Of the section that it stands in: `program:web`. */
  readonly section: string;
  readonly intact: boolean;
}

/** Where autostart of a program is said, or else where its section begins. */
export interface Spot {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly isOption: boolean;
  /** Blanks before the line: with more than the option above it, it would be a part of that. */
  readonly indent: string;
}

const OFF = 'autostart=false';

/** The last one counts, and what [DEFAULT] says is not to be changed for one program. */
export function spotOf(section: Section, defaults: Section['options']): Spot {
  const said = section.options.get('autostart');
  const common = defaults.get('autostart');
  if (said !== undefined && !(said.source === common?.source && said.line === common.line)) {
    const text = said.source.lines[said.line - 1] ?? '';
    return { path: said.source.path, line: said.line, isOption: true, indent: text.slice(0, indentOf(text)) };
  }
  const first = [...section.options.values()]
    .filter(({ source, line }) => source === section.source && line > section.line)
    .sort((a, b) => a.line - b.line)[0];
  const below = first === undefined ? '' : (first.source.lines[first.line - 1] ?? '');
  const indent = below.slice(0, indentOf(below));
  return { path: section.source.path, line: section.line, isOption: false, indent };
}

/** All that we have marked in a file. */
export function takenLinesIn(bytes: string): readonly TakenLine[] {
  if (!bytes.includes(' superseded ')) return [];
  const lines = linesOf(bytes).map((line) => partsOfLine(line)[0]);
  return lines.flatMap((text, i): TakenLine[] => {
    const marker = markerOf(text);
    if (marker === undefined) return [];
    return [{ ...marker, line: i + 1, section: sectionAt(lines, i), intact: strip(lines[i + 1] ?? '') === OFF }];
  });
}

/**
 * `autostart=false` in the place of what is said of it there, or below the head of the section; above it stands what was
 * there before.
 */
export function switchOff(bytes: string, { line, isOption, indent }: Spot, taken: Taken): string {
  const lines = [...linesOf(bytes)];
  const [text = '', end = ''] = partsOfLine(lines[line - 1] ?? '');
  if (isOption && markerOf(partsOfLine(lines[line - 2] ?? '')[0]) !== undefined) {
    // Somebody has changed what we wrote: what was there before is still known.
    return lines.with(line - 1, `${indent}${OFF}${end}`).join('');
  }
  const newline = end || (/\r\n|\r|\n/.exec(bytes)?.[0] ?? '\n');
  const off = (original: string) => [`${indent}; ${formatMarker(taken, original)}${newline}`, `${indent}${OFF}${end}`];
  return lines.toSpliced(line - 1, 1, ...(isOption ? off(text) : [`${text}${newline}`, ...off('')])).join('');
}

/** Everything as it was that this owner has taken in a section; what somebody has changed since stays as it is now. */
export function switchBack(bytes: string, section: string, owner: string): string {
  const lines = [...linesOf(bytes)];
  const ours = takenLinesIn(bytes).filter((each) => each.section === section && each.taken.owner === owner);
  for (const { line, original, intact } of [...ours].reverse()) {
    if (!intact) lines.splice(line - 1, 1);
    else {
      const end = partsOfLine(lines[line] ?? '')[1];
      if (original !== '') lines.splice(line - 1, 2, `${original}${end}`);
      else lines.splice(line - 2, 3, `${partsOfLine(lines[line - 2] ?? '')[0]}${end}`);
    }
  }
  return lines.join('');
}

/**
 * Takes autostart from a program where it stands, and changes nothing else that supervisord would read. Throws what stands
 * in the way. No reread follows: that would bring into force whatever others have changed and not yet applied.
 */
export function takeAutostart(section: Section, defaults: Section['options'], taken: Taken): void {
  const spot = spotOf(section, defaults);
  editFile(spot.path, (bytes) => {
    const after = switchOff(bytes, spot, taken);
    if (isOnlyChange(bytes, after, section.name)) return after;
    throw new Failure({
      code: 'not-taken',
      summary: `cannot take autostart from ${section.name}: ${spot.path}:${spot.line} can't be changed without changing more`,
      hint: `write \`${OFF}\` there yourself, on a line of its own`,
    });
  });
}

export function giveAutostart(path: string, section: string, owner: string): void {
  editFile(path, (bytes) => switchBack(bytes, section, owner));
}

function isOnlyChange(before: string, after: string, section: string): boolean {
  const [old, now] = [meaningOf(before), meaningOf(after)];
  old.get(section)?.set('autostart', 'false');
  return now.get(section)?.get('autostart') === 'false' && isDeepStrictEqual(old, now);
}

function meaningOf(bytes: string): Map<string, Map<string, string>> {
  const ini = new Ini();
  const bad = ini.add(sourceOf('', fromBytes(bytes)));
  const sections = [...ini.sections, ['DEFAULT', { options: ini.defaults }] as const];
  const meaning = new Map(
    sections.map(([name, { options }]) => [name, new Map([...options].map(([key, { value }]) => [key, value]))]),
  );
  return meaning.set('', new Map(bad.map(({ because }, i) => [String(i), because])));
}

/** The section that an option would belong to, were it there. */
function sectionAt(lines: readonly string[], at: number): string {
  const indent = (lines[at] ?? '').slice(0, indentOf(lines[at] ?? ''));
  const ini = new Ini();
  ini.add(sourceOf('', fromBytes([...lines.slice(0, at), `${indent}${PROBE}=1`].join('\n'))));
  return [...ini.sections.values()].find(({ options }) => options.has(PROBE))?.name ?? '';
}

const PROBE = 'reconciled-probe';

function markerOf(text: string): Marker | undefined {
  const bare = text.slice(indentOf(text));
  return bare.startsWith('; ') ? parseMarker(bare.slice(2)) : undefined;
}
