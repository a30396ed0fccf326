import type { Json } from '../../canonical.ts';
import { whyNotPlain } from '../../supervisors/systemd/escape.ts';
import type { Loss } from '../found.ts';
import { commandOf } from './command.ts';
import { variablesOf } from './environment.ts';
import { type Install, installOf } from './install.ts';
import { carryType, lifeWords, typeOf } from './life.ts';
import { Lines } from './lines.ts';
import { keepsName, sliceOf, withOwnSpecifiers } from './names.ts';
import { optional, processWords } from './process.ts';
import { hideSecrets } from './secrets.ts';
import type { RawLine, UnitSource } from './source.ts';
import { hasSecret, maskedValue, type UnitLine } from './text.ts';

/** What a unit comes to, but for its name and state. */
export interface Carried {
  readonly words: Readonly<Record<string, Json>>;
  readonly raw: readonly RawLine[];
  readonly secrets: Readonly<Record<string, string>>;
  readonly comments: ReadonlyMap<string, string>;
  readonly losses: readonly Loss[];
  readonly type: string;
  readonly install: Install;
}

/**
 * Every line of a unit as a word of ours, where that word means just the same to systemd, else as a line of
 * `raw.systemd`; what we add where nothing is said and systemd would not is taken back there.
 */
export function carry(source: UnitSource): Carried {
  const { name, manager, path } = source;
  const renamed = !keepsName(name);
  const hidden = hideSecrets(
    source.lines.map((line) => ({ ...line, value: withOwnSpecifiers(line.key, line.value, name, path, renamed) })),
  );
  const lines = new Lines(hidden.lines);
  const type = typeOf(lines);
  const install = installOf(lines, source);
  carryType(lines, type);
  if (name.instance !== undefined && !lines.of('Service.Slice').some(({ value }) => value !== ''))
    lines.first(['Service', 'Slice', sliceOf(name, manager)]);
  if (renamed) lines.first(...source.pullsIn.map(([directive, unit]): RawLine => ['Unit', directive, unit]));
  // An instance is enabled by itself.
  if (name.instance !== undefined) lines.take('Install.DefaultInstance');
  const { environment, secrets: variables, files, ignored, suspicious } = variablesOf(lines);
  const ownPath = 'PATH' in environment;
  const command = commandOf(lines, 'Service.ExecStart', ownPath);
  const reload = commandOf(lines, 'Service.ExecReload', ownPath);
  const { description, ...process } = processWords(lines, source);
  const { stop, restart } = lifeWords(lines, source);
  const { raw, losses } = rawOf(lines);
  const comments = new Map<string, string>();
  const secret =
    suspicious.length === 0 ? '' : `\n${suspicious.join(', ')}: a secret? Only systemd can tell its value.`;
  if (raw.length > 0)
    comments.set('raw', `Lines of the unit that there is no word for; an empty value takes back what we add.${secret}`);
  const secrets = { ...variables, ...hidden.secrets };
  const words = {
    ...optional('description', description),
    ...optional('command', command),
    ...process,
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    ...(files.length === 0 ? {} : { environmentFiles: files }),
    ...(Object.keys(stop).length === 0 ? {} : { stop }),
    ...(reload === undefined ? {} : { reload: { command: reload } }),
    ...(Object.keys(restart).length === 0 ? {} : { restart }),
  } as Readonly<Record<string, Json>>;
  return { words, raw, secrets, comments, losses: [...source.ignored, ...ignored, ...losses], type, install };
}

function rawOf(lines: Lines): { readonly raw: readonly RawLine[]; readonly losses: readonly Loss[] } {
  const raw: RawLine[] = [];
  const losses: Loss[] = [];
  for (const { line, of } of lines.raw()) {
    const why = whyNotCarried(line);
    if (why === undefined) raw.push(line);
    else losses.push({ ...lossOf(line, of), ...why });
  }
  // Each section has its own order, and systemd reads the unit's own relations first.
  return { raw: ['Unit', 'Service', 'Install'].flatMap((own) => raw.filter(([section]) => section === own)), losses };
}

function lossOf([section, key, value]: RawLine, of: UnitLine | undefined): Omit<Loss, 'why'> {
  return {
    key: `[${section}] ${key}`,
    value: maskedValue(key, value),
    ...(of === undefined ? {} : { at: of.at }),
  };
}

/** Why `raw.systemd` takes no such line. */
function whyNotCarried([, key, value]: RawLine): Pick<Loss, 'why' | 'noEffect'> | undefined {
  if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(key))
    return { why: 'systemd knows no such directive, and passes over it', noEffect: true };
  const why = whyNotPlain(value);
  if (why !== undefined) return { why: `its value ${why}` };
  if (/^(Unset)?Environment$/.test(key) && /RECONCILED_(DEFINITION|INSTANCE|SUPERVISOR)\b/.test(value))
    return { why: 'its variables of the form RECONCILED_… tell what runs' };
  // Those of commands and variables are moved; what a credential is called is none.
  if (!/^Exec|Environment|Credential/.test(key) && hasSecret(value))
    return { why: 'it has what looks like a secret, which does not belong in Git' };
  return undefined;
}
