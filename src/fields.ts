import type { FieldRule, FieldTable } from './model.ts';

/** The fields whose canonical value is a number of milliseconds; `health.KEY` is a key of each probe, by its dotted path. */
const DURATIONS = new Set([
  'start.ready',
  'start.timeout',
  'stop.timeout',
  'restart.backoff.initial',
  'restart.backoff.max',
  'restart.limit.within',
  'restart.cooldown',
  'start.grace',
  'soak',
  'dwell',
  'gate.every',
  'gate.tryFor',
  'gate.timeout',
  'gate.file.changedWithin',
  'health.every',
  'health.timeout',
  'health.file.changedWithin',
  'health.progress.within',
  'health.progress.file.changedWithin',
]);
/** The fields whose canonical value is a number of bytes. */
const SIZES = new Set([
  'limits.addressSpace',
  'limits.core',
  'limits.fileSize',
  'limits.lockedMemory',
  'limits.stack',
  'logs.maxSize',
  'health.process.memory',
]);

/** What the number in a field's canonical value counts, if it is no plain number. */
export function unitOf(field: string): 'duration' | 'size' | undefined {
  if (DURATIONS.has(field)) return 'duration';
  return SIZES.has(field) ? 'size' : undefined;
}

/** The rule of a field by its dotted path; `environment.TZ` is found under `environment.*`. */
export function ruleOf(table: FieldTable, field: string): FieldRule | undefined {
  return table[field] ?? table[`${field.slice(0, field.lastIndexOf('.'))}.*`];
}

/** Do raw lines of a unit say what it runs, or that it runs nothing? Then it needs no `command`. */
export function saysWhatRuns(raw: unknown): boolean {
  const lines: readonly unknown[] = Array.isArray(raw) ? raw : [];
  return lines.some((line) => {
    if (!Array.isArray(line)) return false;
    const [section, key, value] = line as readonly unknown[];
    const says = /^(Service\.Exec(Start|Stop)|Unit\.SuccessAction)$/.test(`${section}.${key}`);
    return says && String(value).trim() !== '';
  });
}
