import { existsSync } from 'node:fs';
import type { Alert } from './alert.ts';
import { runChild } from './child.ts';
import { line } from './compose.ts';
import type { Limits, Sent } from './send.ts';

/** Of syslog. What is over is worth a notice. */
const PRIORITIES = { critical: ['crit', 2], warning: ['warning', 4], info: ['info', 6] } as const;
const NOTICE = ['notice', 5] as const;
const JOURNAL = '/run/systemd/journal/socket';

/**
 * Writes it to systemd's journal, with fields of its own to look for it by (`journalctl RECONCILED_KEY=down:web`), or where
 * there is none to syslog. By `logger` of util-linux: Node has no datagram sockets of Unix, and the daemon's own output is
 * its log.
 */
export async function log(alert: Alert, limits: Limits): Promise<Sent> {
  const isJournal = existsSync(JOURNAL);
  const [word, priority] = alert.state === 'resolved' ? NOTICE : PRIORITIES[alert.severity];
  const text = textOf(alert);
  const ended = isJournal
    ? await runChild('logger', ['--journald'], fieldsOf(alert, priority, text), limits)
    : // Without that it says nothing where nobody listens.
      await runChild('logger', ['--socket-errors=on', '-t', 'reconciled', '-p', `daemon.${word}`], `${text}\n`, limits);
  const where = isJournal ? 'the journal' : 'syslog';
  if (ended.kind === 'not') return { kind: 'failed', why: line(ended.why), again: true };
  if (ended.code !== 0) return { kind: 'failed', why: line(`cannot write to ${where}: ${ended.said}`), again: true };
  return { kind: 'done', what: `written to ${where}, priority ${word}` };
}

function textOf({ state, severity, title, text, hint, dropped }: Alert): string {
  const head = state === 'resolved' ? 'resolved' : severity;
  const more = [text, hint === undefined ? undefined : `next: ${hint}`].filter((one) => one !== undefined);
  const before = dropped === undefined ? '' : ` [${dropped} before this could not be told]`;
  return `${head}: ${title}${more.length === 0 ? '' : ` (${more.join('; ')})`}${before}`.replaceAll('\n', '; ');
}

/** A line for each; none of the values has a line end. */
function fieldsOf(alert: Alert, priority: number, text: string): string {
  const { id, key, kind, severity, state, service, group } = alert;
  const fields = {
    MESSAGE: text,
    PRIORITY: String(priority),
    SYSLOG_IDENTIFIER: 'reconciled',
    SYSLOG_FACILITY: '3',
    RECONCILED_ID: id,
    RECONCILED_KEY: key,
    RECONCILED_KIND: kind,
    RECONCILED_SEVERITY: severity,
    RECONCILED_STATE: state,
    ...(service === undefined ? {} : { RECONCILED_SERVICE: service }),
    ...(group === undefined ? {} : { RECONCILED_GROUP: group }),
  };
  return `${Object.entries(fields)
    .map(([name, value]) => `${name}=${value.replaceAll('\n', ' ')}`)
    .join('\n')}\n`;
}
