import { closest } from '../../closest.ts';
import type { Service } from '../../model.ts';
import type { Line } from './lines.ts';
import { BEYOND, isKind, NAMING, NEEDED, PASSED, rawOf, SAID_BY, type SectionKind } from './raw-options.ts';
import type { Refuse } from './refusals.ts';

/** Lines of `raw.supervisord` as they stand in the section, in the order they were written. */
export function rawLines(service: Service): Line[] {
  return rawOf(service.written).map(([, key, value]) => [key.toLowerCase(), String(value)]);
}

/** The kind of its section: lines of another kind than `program` make it one of those. */
export function sectionKind(written: Service['written']): SectionKind {
  const [kind] = rawOf(written).flatMap(([section]) => (isKind(section) && section !== 'program' ? [section] : []));
  return kind ?? 'program';
}

/** Lines that supervisord would ignore or not take, and those that say what a field says. */
export function checkRaw(service: Service, refuse: Refuse): void {
  const { written } = service;
  const lines = rawOf(written);
  const kind = sectionKind(written);
  lines.forEach(([section, option, value], i) => {
    const no = (summary: string, hint: string) => refuse(`raw.supervisord.${i}`, summary, hint);
    const key = option.toLowerCase();
    const passed = isKind(section) && Object.hasOwn(PASSED[section], key) ? PASSED[section][key] : undefined;
    const said = Object.hasOwn(SAID_BY, key) ? SAID_BY[key] : undefined;
    const beyond = Object.hasOwn(BEYOND, key) ? BEYOND[key] : undefined;
    const naming = Object.hasOwn(NAMING, key) ? NAMING[key] : undefined;
    if (!isKind(section)) {
      no(`lines of [${section}] are not for one program`, 'write [program, option, value]');
    } else if (section !== 'program' && section !== kind) {
      no(`it can't be an ${kind} and a ${section}`, 'make two services of it');
    } else if (beyond?.where(written) && beyond.fits(String(value))) {
      return;
    } else if (said !== undefined) {
      no(`${key} is what \`${said}\` says`, beyond?.hint ?? `write \`${said}\``);
    } else if (naming !== undefined) {
      no(`${key} is not for a program to say: ${naming}`, 'leave it out');
    } else if (passed === undefined) {
      const all = [...Object.keys(PASSED[section]), ...(section === 'program' ? [] : ['those of [program, …]'])];
      const near = closest(key, Object.keys(PASSED[section]));
      const hint = near === undefined ? `these are passed on: ${all.join(', ')}` : `did you mean ${near}?`;
      no(`supervisord knows no option '${option}', and would ignore it without a word`, hint);
    } else if (!passed.fits(String(value))) {
      no(`${key} can't be '${value}'`, `write ${passed.form}`);
    }
  });
  checkKind(service, kind, refuse);
}

/** What a section of another kind needs, and can't have. */
function checkKind({ written }: Service, kind: SectionKind, refuse: Refuse): void {
  const has = (option: string) =>
    rawOf(written).some(([section, key]) => section === kind && key.toLowerCase() === option);
  const needed = NEEDED[kind];
  if (needed !== undefined && !has(needed)) {
    refuse('raw.supervisord', `an ${kind} has to have ${needed}`, `write [${kind}, ${needed}, …]`);
  }
  if (kind === 'program') return;
  const tcp = rawOf(written).some(([, key, value]) => key.toLowerCase() === 'socket' && /^tcp:/.test(String(value)));
  if (tcp && (has('socket_owner') || has('socket_mode'))) {
    refuse('raw.supervisord', 'only a UNIX socket has an owner and a mode', 'leave them out');
  }
}
