import { closest } from '../closest.ts';
import { Failure, type Problem } from '../problem.ts';
import { maskField } from '../secrets.ts';

/** What a word of a command line asks for: `web.limits.core=0B`, `web.start.after+=db`, `web.start.after-=db`. */
export interface Asked {
  /** Whose field: a service, `policy`, or `supervisord/NAME`. */
  readonly name: string;
  /** Its dotted path as typed. */
  readonly field: string;
  readonly how: 'set' | 'add' | 'take' | 'unset';
  /** What stands behind the sign. */
  readonly text: string;
  /** As it may be shown. */
  readonly shown: string;
}

/** Reads a word of `set`, or with `unset` one of `unset`; fails with what would be right. `names`: all that have fields. */
export function readWord(word: string, names: readonly string[], unset = false): Asked {
  const sign = word.indexOf('=');
  if (unset && sign !== -1)
    throw wrong(`cannot unset '${shownWord(word)}': it takes no value`, `reconcile unset ${word.slice(0, sign)}`);
  const operator = unset || sign === -1 ? undefined : /[+-]$/.exec(word.slice(0, sign))?.[0];
  const left =
    unset || sign === -1 ? word.replace(/[+-]$/, '') : word.slice(0, operator === undefined ? sign : sign - 1);
  const text = unset ? '' : word.slice(sign + 1);
  const { name, field } = split(left, names, unset ? 'unset' : 'set');
  if (!unset && sign === -1)
    throw wrong(`cannot set ${left}: to what?`, `write ${word}=VALUE; to remove it: reconcile unset ${left}`);
  const how = unset ? 'unset' : operator === '+' ? 'add' : operator === '-' ? 'take' : 'set';
  if (text === '' && !unset)
    throw wrong(
      `cannot set ${left} to nothing`,
      `to remove it: reconcile unset ${left}; for an empty text: ${left}='""'`,
    );
  return { name, field, how, text, shown: shownOf(left, field, unset ? undefined : `${operator ?? ''}=`, text) };
}

function split(left: string, names: readonly string[], act: string): { readonly name: string; readonly field: string } {
  // Names have dots in them too: the longest that fits.
  const [name] = names.filter((one) => left.startsWith(`${one}.`)).sort((a, b) => b.length - a.length);
  if (name !== undefined && left.length > name.length + 1) return { name, field: left.slice(name.length + 1) };
  if (names.includes(left.replace(/\.$/, '')))
    throw wrong(
      `cannot ${act} ${left.replace(/\.$/, '')} itself: which field of it?`,
      `reconcile ${act} ${left.replace(/\.$/, '')}.FIELD${act === 'set' ? '=VALUE' : ''}; docs/fields.md has every field`,
    );
  const [first = ''] = left.split('.');
  const at = first.indexOf('@');
  if (at > 0 && names.includes(first.slice(0, at)))
    throw wrong(
      `cannot ${act} ${first} alone: its instances are all as one file says`,
      `${first.slice(0, at)}${left.slice(first.length)}`,
    );
  const near = closest(first, names);
  throw new Failure({
    code: 'unknown-service',
    summary: first === '' ? `cannot read '${left}'` : `no service is called '${first}'`,
    hint:
      near === undefined
        ? `write NAME.FIELD${act === 'set' ? '=VALUE' : ''}; \`reconcile status\` lists the names, \`policy\` is policy.yaml`
        : `did you mean '${near}${left.slice(first.length)}'?`,
  });
}

function wrong(summary: string, hint: string): Failure {
  const problem: Problem = { code: 'usage', summary, hint };
  return new Failure(problem);
}

/** The value of a secret-looking key is not told again. */
function shownOf(left: string, field: string, sign: string | undefined, text: string): string {
  return sign === undefined ? left : `${left}${sign}${String(maskField(field, text))}`;
}

function shownWord(word: string): string {
  const sign = word.indexOf('=');
  const left = word.slice(0, sign);
  return shownOf(left, left.slice(left.indexOf('.') + 1), '=', word.slice(sign + 1));
}
