import type { Json } from '../canonical.ts';
import type { Alert } from './alert.ts';

/** An alert as it is sent, and as docs/alert.schema.json says: every key is there, null where there is nothing to say. */
export function alertJson(alert: Alert): Json {
  const { state, since, at } = alert;
  return {
    version: 1,
    id: alert.id,
    key: alert.key,
    kind: alert.kind,
    severity: alert.severity,
    state,
    title: alert.title,
    text: alert.text ?? null,
    hint: alert.hint ?? null,
    service: alert.service ?? null,
    group: alert.group ?? null,
    host: alert.host,
    owner: alert.owner,
    revision: alert.revision ?? null,
    since: time(since),
    at: time(at),
    lasted: state === 'resolved' ? Math.max(0, Math.round(at - since)) : null,
    flapping: alert.flaps === true,
    dropped: alert.dropped ?? 0,
    count: alert.count,
    members: alert.members.map(({ key, service, title, since }) => ({
      key,
      service: service ?? null,
      title,
      since: time(since),
    })),
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
