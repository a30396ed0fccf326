import type { Json } from '../../canonical.ts';
import type { Problem } from '../../problem.ts';
import type { Style } from '../style.ts';
import { wrapped } from './plan-changes.ts';
import { printable } from './printable.ts';
import { problemsText } from './problems.ts';

/** What an import has made of this host, or would. */
export interface ImportReport {
  readonly services: readonly ImportedService[];
  /** Supervisords of ours, for the programs, and what of the old ones is not said there. */
  readonly supervisors: readonly (Pick<ImportedService, 'name' | 'losses'> & { readonly from: string })[];
  /** What has a service file already: left as it is. */
  readonly there: readonly { readonly name: string; readonly file: string; readonly origin: string }[];
  readonly refused: readonly { readonly origin: string; readonly problem: Problem }[];
  /** All files, in the order they are written. */
  readonly files: readonly ImportedFile[];
  /** What is odd, and keeps nothing from being imported. */
  readonly notices: readonly Problem[];
  /** What could not be looked at. */
  readonly unread: readonly string[];
  /** Enabled units of packages that nobody has asked for. */
  readonly packaged: readonly string[];
  readonly written: boolean;
}

export interface ImportedService {
  readonly name: string;
  readonly file: string;
  readonly origin: string;
  readonly kind: 'unit' | 'program' | 'cron' | 'process' | 'file';
  readonly warnings: readonly string[];
  readonly losses: readonly {
    readonly key: string;
    readonly value?: string;
    readonly where?: string;
    readonly why: string;
    /** Nothing is lost without it. */
    readonly noEffect?: true;
  }[];
}

export interface ImportedFile {
  readonly path: string;
  readonly kind: 'service' | 'supervisor' | 'environment';
  /** Of an environment file nobody is shown it. */
  readonly text: string | undefined;
  readonly keys: readonly string[];
}

/** How much came through, for the last line. */
export interface Counts {
  readonly found: number;
  readonly imported: number;
  readonly withoutLoss: number;
  readonly keysLost: number;
  /** Of those: they had no effect where they were. */
  readonly keysIdle: number;
  readonly there: number;
  readonly refused: number;
  /** Of what has no file yet, how much was imported without any loss: 0 to 100. */
  readonly percent: number;
}

export function countsOf({ services, supervisors, there, refused }: ImportReport): Counts {
  const withoutLoss = services.filter(({ losses }) => losses.every(({ noEffect }) => noEffect)).length;
  const all = [...services, ...supervisors].flatMap(({ losses }) => losses);
  const tried = services.length + refused.length;
  return {
    found: tried + there.length,
    imported: services.length,
    withoutLoss,
    keysLost: all.length,
    keysIdle: all.filter(({ noEffect }) => noEffect).length,
    there: there.length,
    refused: refused.length,
    // Rounded down: 100 is all of them.
    percent: tried === 0 ? 100 : Math.floor((1000 * withoutLoss) / tried) / 10,
  };
}

interface Look {
  readonly style: Style;
  /** Columns. */
  readonly width: number;
}

export function importText(report: ImportReport, { style, width }: Look): string {
  const { services, supervisors, there, refused, files, notices, unread, written } = report;
  const widest = Math.min(
    44,
    Math.max(0, ...[...services, ...there].map(({ file }) => file.length), ...files.map(({ path }) => path.length)),
  );
  const lines = [
    ...services.map(({ file, origin }) => `  ${style.green(`+ ${file.padEnd(widest)}`)}  ${printable(origin)}`),
    ...files
      .filter(({ kind }) => kind !== 'service')
      .map((file) => `  ${style.green(`+ ${file.path.padEnd(widest)}`)}  ${about(file)}`),
    ...there.map(
      ({ file, origin }) => `    ${file.padEnd(widest)}  ${style.dim(`there already: ${printable(origin)}`)}`,
    ),
    ...refused.map(({ origin }) => `  ${style.red('!')} ${printable(origin)}`),
  ];
  const shown = written ? [] : files.flatMap((file) => fileLines(file, style));
  return [
    ...(lines.length === 0 ? [] : [...lines, '']),
    ...shown,
    ...warningLines(services, { style, width }),
    ...lossLines([...services, ...supervisors.map((one) => ({ ...one, name: `supervisord ${one.name}` }))], {
      style,
      width,
    }),
    ...(refused.length === 0
      ? []
      : [
          style.bold('Refused:'),
          problemsText(
            refused.map(({ problem }) => problem),
            style,
          ),
        ]),
    ...(notices.length === 0 ? [] : [style.bold('Worth knowing:'), problemsText(notices, style)]),
    ...(unread.length === 0 ? [] : [style.bold('Not looked at:'), ...unread.map((text) => `  ${printable(text)}`), '']),
    ...packagedLines(report, width),
    endLine(report),
    '',
  ].join('\n');
}

function about({ kind, keys }: ImportedFile): string {
  return kind === 'environment' ? `mode 0600: ${keys.join(', ')}` : 'a supervisord of ours, for the programs';
}

function fileLines({ path, text }: ImportedFile, style: Style): string[] {
  if (text === undefined) return [];
  return [
    style.bold(`--- ${path}`),
    ...text
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`.trimEnd()),
    '',
  ];
}

/** Long ones go on below their second word. */
function hanging(text: string, width: number): string[] {
  return wrapped(printable(text), width - 4).map((line, i) => `${i === 0 ? '  ' : '    '}${line}`);
}

function warningLines(services: readonly ImportedService[], { style, width }: Look): string[] {
  const lines = services.flatMap(({ name, warnings }) =>
    warnings.flatMap((text) => hanging(`${name}: ${text}`, width)),
  );
  return lines.length === 0 ? [] : [style.bold('To look at:'), ...lines, ''];
}

function lossLines(services: readonly Pick<ImportedService, 'name' | 'losses'>[], { style, width }: Look): string[] {
  const lines = services.flatMap(({ name, losses }) =>
    losses.flatMap(({ key, value, where, why }) => {
      const what = value === undefined ? key : `${key}${key.endsWith('=') ? '' : '='}${value}`;
      return hanging(`${name}: ${what}${where === undefined ? '' : ` (${where})`}: ${why}`, width);
    }),
  );
  return lines.length === 0 ? [] : [style.bold('Not carried:'), ...lines, ''];
}

function packagedLines({ packaged }: ImportReport, width: number): string[] {
  if (packaged.length === 0) return [];
  const names = `${packaged.slice(0, 4).join(', ')}${packaged.length > 4 ? ', ...' : ''}`;
  const are = packaged.length === 1 ? 'unit of a package is' : 'units of packages are';
  const text = `${packaged.length} enabled ${are} left to ${packaged.length === 1 ? 'it' : 'them'} (${names}): --all, or --units NAME, imports them by their state.`;
  return [...wrapped(text, width), ''];
}

function endLine(report: ImportReport): string {
  const { found, imported, withoutLoss, keysLost, keysIdle, there, refused, percent } = countsOf(report);
  if (found === 0) return 'Nothing to import was found.';
  const tried = imported + refused;
  const did = report.written ? 'Imported' : 'Would import';
  const idle = keysIdle === 0 ? '' : ` (${keysIdle === keysLost ? '' : `${keysIdle} `}without any effect before)`;
  const keys = `${keysLost} key${keysLost === 1 ? '' : 's'} not carried${idle}`;
  const how =
    imported === 0
      ? []
      : [
          `${withoutLoss === imported ? 'all' : withoutLoss} without loss (${percent} %)`,
          ...(keysLost === 0 ? [] : [keys]),
        ];
  const parts = [
    tried === 0 ? 'Nothing new to import' : `${did} ${imported} of ${tried}`,
    ...how,
    ...(refused === 0 ? [] : [`${refused} refused`]),
    ...(there === 0 ? [] : [`${there} there already`]),
  ];
  return `${parts.join(', ')}.`;
}

export function importJson(report: ImportReport): Json {
  const { services, there, refused, files, notices, unread, written } = report;
  return {
    written,
    services: services.map(({ name, file, kind, origin, warnings, losses }) => ({
      name,
      file,
      kind,
      origin,
      warnings: [...warnings],
      losses: losses.map(lossJson),
    })),
    supervisors: report.supervisors.map(({ name, from, losses }) => ({ name, from, losses: losses.map(lossJson) })),
    there: there.map(({ name, file, origin }) => ({ name, file, origin })),
    refused: refused.map(({ origin, problem }) => ({ origin, ...problemJson(problem) })),
    notices: notices.map(problemJson),
    files: files.map(({ path, kind, text, keys }) => ({ path, kind, text: text ?? null, keys: [...keys] })),
    unread: [...unread],
    packaged: [...report.packaged],
    counts: { ...countsOf(report) },
  };
}

function lossJson({ key, value, where, why, noEffect }: ImportedService['losses'][number]) {
  return { key, value: value ?? null, where: where ?? null, why, hadEffect: noEffect !== true };
}

function problemJson({ code, summary, at, file, detail, hint }: Problem) {
  return {
    code,
    summary,
    file: at?.file ?? file ?? null,
    line: at?.line ?? null,
    detail: detail ?? null,
    hint: hint ?? null,
  };
}
