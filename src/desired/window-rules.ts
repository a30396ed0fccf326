import { closest } from '../closest.ts';
import { parseDuration } from '../units.ts';
import { isTimezone, openingsOf } from './cron.ts';
import type { Finding } from './finding.ts';
import type { PolicyFile, Window } from './generated/policy.ts';
import { dotted, type Path } from './layer.ts';

/** What the schema can't say of change windows. Loaded only where there are any: what reads crontab lines takes its time. */
export function windowRules({ windows = {} }: Partial<PolicyFile>): Finding[] {
  return (['allow', 'deny'] as const).flatMap((kind) =>
    (windows[kind] ?? []).flatMap((window, i) => rulesOf(window, ['windows', kind, i])),
  );
}

/** From when on it is looked whether a window ever opens: any time does. */
const SOME_TIME = Date.UTC(2026, 0, 1);

function rulesOf(window: Window, path: Path): Finding[] {
  const { cron, duration, timezone, services } = window;
  const findings: Finding[] = [];
  const tell = (key: string, summary: string, hint: string) => {
    const at = [...path, key];
    findings.push({ code: 'bad-window', path: at, part: 'value', summary: `${dotted(at)}: ${summary}`, hint });
  };
  const known = timezone === undefined || isTimezone(timezone);
  if (!known) {
    const near = closest(timezone, Intl.supportedValuesOf('timeZone'));
    const hint = near === undefined ? 'for example Europe/Berlin, or UTC' : `did you mean '${near}'?`;
    tell('timezone', `there is no time zone '${timezone}'`, hint);
  }
  if (parseDuration(duration) === 0) tell('duration', 'it would never be open', 'for example 4h');
  if (services?.length === 0)
    tell('services', 'it is about no service', 'name some, or remove it: it is about all then');
  try {
    const openings = openingsOf(known ? window : { cron });
    if (openings.after(SOME_TIME) === undefined)
      tell('cron', `'${cron}' never comes`, 'look at its day and month: no year has such a day');
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const hint = 'minute, hour, day of month, month, day of week: `0 22 * * SUN` is each Sunday at 22:00';
    tell('cron', `not as in a crontab: ${error.message}`, hint);
  }
  return findings;
}
