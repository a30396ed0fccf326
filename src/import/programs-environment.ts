import { maskText, SECRET_KEY } from '../secrets.ts';
import { whyNotCarried } from '../supervisors/supervisord/escape.ts';

/** The variables of a process, as they can be said. */
export interface Variables {
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Names that no environment of ours has, `NAME=value`: env sets them before the command. */
  readonly odd: readonly string[];
  /** Names that are not carried, and why. */
  readonly lost: readonly (readonly [name: string, why: string])[];
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function variablesOf(given: Readonly<Record<string, string>>, isSecret: IsSecret): Variables {
  const environment: Record<string, string> = {};
  const secrets: Record<string, string> = {};
  const odd: string[] = [];
  const lost: [string, string][] = [];
  for (const [name, value] of Object.entries(given)) {
    const bad = whyNotCarried(value);
    const secret = SECRET_KEY.test(name) || isSecret(value);
    if (/^(SUPERVISOR|RECONCILED)_/.test(name)) lost.push([name, 'it is what tells which process is whose']);
    else if (bad !== undefined) lost.push([name, `its value ${bad}`]);
    else if (NAME.test(name)) (secret ? secrets : environment)[name] = value;
    else if (secret) lost.push([name, 'an environment file, where secrets belong, can not hold its name']);
    else if (name.includes('=') || name.startsWith('-')) lost.push([name, 'no environment can hold its name']);
    else odd.push(`${name}=${value}`);
  }
  return { environment, secrets, odd, lost };
}

/** Does a text hold what must not be shown? */
export type IsSecret = (text: string) => boolean;

/** A shorter value is found by chance. */
const LONG_ENOUGH = 6;

/** By the values of variables whose names say that they are secret, and by passwords in URLs. */
export function secretsAmong(...all: readonly Readonly<Record<string, string>>[]): IsSecret {
  const known = all
    .flatMap((variables) => Object.entries(variables))
    .flatMap(([name, value]) => (SECRET_KEY.test(name) && value.length >= LONG_ENOUGH ? [value] : []));
  return (text) => maskText(text) !== text || known.some((value) => text.includes(value));
}
