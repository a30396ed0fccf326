import type { Json } from '../canonical.ts';
import type { Alert } from './alert.ts';

const COLOURS = { info: '#439fe0', warning: 'warning', critical: 'danger' } as const;

/** An alert as incoming webhooks of Slack, Mattermost and Rocket.Chat take it. */
export function slackJson(alert: Alert): Json {
  const { severity, state, title, text, hint, host, service, group, count, members, dropped, revision, at } = alert;
  const isOver = state === 'resolved';
  const head = `${isOver ? 'OK' : severity.toUpperCase()}: ${title}`;
  const names = count > 1 ? members.flatMap((one) => (one.service === undefined ? [] : [one.service])) : [];
  const fields = [
    ['Host', host],
    ['Service', service],
    ['Group', group],
    ['Revision', revision],
    ['Services', names.length === 0 ? undefined : shortened(names.join(', '), 500)],
    ['Not told before', dropped === undefined ? undefined : String(dropped)],
  ] as const;
  const lines = [text, hint === undefined ? undefined : `Next: ${hint}`].filter((one) => one !== undefined);
  return {
    text: escaped(`${head} (${host})`),
    attachments: [
      {
        fallback: escaped(head),
        color: isOver ? 'good' : COLOURS[severity],
        text: escaped(lines.join('\n')),
        fields: fields.flatMap(([title, value]) =>
          value === undefined ? [] : [{ title, value: escaped(value), short: value.length < 40 }],
        ),
        footer: 'reconciled',
        ts: Math.round(at / 1000),
      },
    ],
  };
}

/** These three mean something there. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
