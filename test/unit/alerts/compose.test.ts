import { expect, it } from 'vitest';
import type { Change } from '../../../src/alerts/alert.ts';
import { compose, type Origin } from '../../../src/alerts/compose.ts';
import { alertJson } from '../../../src/alerts/json.ts';
import { slackJson } from '../../../src/alerts/slack.ts';

const ORIGIN: Origin = {
  host: 'trader-1',
  owner: 'dolphin',
  revision: '4ca74766f618',
  subjectOf: (id) => ({ name: id.replace(/@\d+$/, ''), ...(id.startsWith('w') ? { group: 'workers' } : {}) }),
};
const ALL = { least: 'info' } as const;
const SINCE = Date.UTC(2026, 10, 24, 12, 3);

const change = (service: string | undefined, more: Partial<Change> = {}, text?: string): Change => ({
  condition: {
    key: `down:${service}`,
    kind: 'down',
    severity: 'critical',
    ...(service === undefined ? {} : { service }),
    title: `${service ?? 'the host'} is FATAL: exit code 3`,
    ...(text === undefined ? {} : { text }),
    hint: 'reconcile explain',
  },
  about: service === undefined ? [] : [service],
  state: 'firing',
  peak: 'critical',
  since: SINCE,
  at: SINCE + 2000,
  ...more,
});

it('makes one of each, up to three of a kind', () => {
  const alerts = compose([change('a'), change('b'), change('c')], ALL, ORIGIN);
  expect(alerts.map(({ key, count }) => [key, count])).toEqual([
    ['down:a', 1],
    ['down:b', 1],
    ['down:c', 1],
  ]);
});

it('makes one of 200, with the first names, how many, and all of their keys', () => {
  const [alert, ...more] = compose(
    Array.from({ length: 200 }, (_, i) => change(`w${i}`)),
    ALL,
    ORIGIN,
  );
  expect(more).toEqual([]);
  expect(alert).toMatchObject({
    key: 'down:*',
    title: '200 services are down: w0, w1, w2, w3, w4 and 195 more',
    group: 'workers',
    severity: 'critical',
    count: 200,
  });
  expect(alert?.members.map(({ key }) => key)).toEqual(Array.from({ length: 200 }, (_, i) => `down:w${i}`));
});

it('says of what is over how long it was so', () => {
  const [alert] = compose([change('a', { state: 'resolved', at: SINCE + 192_000 })], ALL, ORIGIN);
  expect(alert?.title).toBe('a is FATAL: exit code 3: over after 3m12s');
  expect(alert?.hint).toBeUndefined();
  const [all] = compose(
    ['a', 'b', 'c', 'd'].map((id) => change(id, { state: 'resolved' })),
    ALL,
    ORIGIN,
  );
  expect(all?.title).toBe('over: 4 services were down: a, b, c, d');
});

it('tells a target only what is grave enough for it, and the end of what was', () => {
  const warning = change('a', { peak: 'critical' });
  const changes = [
    { ...warning, condition: { ...warning.condition, severity: 'warning' } as const },
    { ...warning, condition: { ...warning.condition, severity: 'warning' } as const, state: 'resolved' as const },
  ];
  expect(compose(changes, { least: 'critical' }, ORIGIN).map(({ state, severity }) => [state, severity])).toEqual([
    ['resolved', 'critical'],
  ]);
});

it('tells a target only what is about its services, and of the host where it names none', () => {
  const changes = [change('a'), change('w1@2'), change(undefined)];
  const keys = (services?: readonly string[]) =>
    compose(changes, services === undefined ? ALL : { ...ALL, services }, ORIGIN).map(({ key }) => key);
  expect(keys()).toEqual(['down:a', 'down:w1@2', 'down:undefined']);
  expect(keys(['a'])).toEqual(['down:a']);
  expect(keys(['w1'])).toEqual(['down:w1@2']);
  expect(keys(['workers:*'])).toEqual(['down:w1@2']);
});

it('holds no secret, no control character, and has an end', () => {
  const text = `https://me:hunter2@host/?token=abc123 \u001b[2J\n${'x'.repeat(5000)}`;
  const [alert] = compose([change('a', {}, text)], ALL, ORIGIN);
  const sent = JSON.stringify([alertJson(alert as never), slackJson(alert as never)]);
  expect(sent).not.toContain('hunter2');
  expect(sent).not.toContain('abc123');
  expect(sent).not.toContain('u001b');
  expect(alert?.text?.length).toBeLessThanOrEqual(2000);
});

it('is what chats take', () => {
  const [alert] = compose([change('a', {}, 'it said <!channel> & went')], ALL, ORIGIN);
  expect(slackJson(alert as never)).toEqual({
    text: 'CRITICAL: a is FATAL: exit code 3 (trader-1)',
    attachments: [
      {
        fallback: 'CRITICAL: a is FATAL: exit code 3',
        color: 'danger',
        text: 'it said &lt;!channel&gt; &amp; went\nNext: reconcile explain',
        fields: [
          { title: 'Host', value: 'trader-1', short: true },
          { title: 'Service', value: 'a', short: true },
          { title: 'Revision', value: '4ca74766f618', short: true },
        ],
        footer: 'reconciled',
        ts: SINCE / 1000 + 2,
      },
    ],
  });
});
