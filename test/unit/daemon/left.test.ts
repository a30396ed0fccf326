import { beforeEach, expect, it } from 'vitest';
import type { DaemonEvent } from '../../../src/daemon/event.ts';
import { tellLeft } from '../../../src/daemon/left.ts';
import { eventText } from '../../../src/daemon/words.ts';
import type { Held, Notice, Plan } from '../../../src/model.ts';

let said: string[];
let left: ReturnType<typeof tellLeft>;

beforeEach(() => {
  said = [];
  left = tellLeft((event: DaemonEvent) => said.push(eventText(event)));
});

function plan(held: readonly Held[], notices: readonly Notice[] = []): Plan {
  return { version: 1, revision: 'r', fingerprint: 'f', steps: [], held, notices };
}
const held = (service: string, reason: Held['reason'], supervisor: Held['supervisor'] = 'systemd'): Held => ({
  service,
  supervisor,
  reason,
});
const fatal = { kind: 'fatal', run: { kind: 'fatal', exit: { kind: 'code', code: 1 }, at: 7, reason: 'why' } } as const;
const silent = {
  kind: 'unreadable',
  problem: { code: 'no-bus', summary: 'cannot reach systemd', hint: 'start it' },
} as const;

it('tells what is held once, as long as that is so, and again when it is so again', () => {
  left(plan([held('web', fatal)]), {}, true);
  left(plan([held('web', fatal)]), {}, true);
  expect(said).toEqual(['web: left alone: FATAL: why']);
  left(plan([]), {}, true);
  left(plan([held('web', fatal)]), {}, true);
  expect(said).toHaveLength(2);
});

it('tells one reason of many services once, and of those that join them', () => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  left(plan(ids.map((id) => held(id, silent))), {}, true);
  expect(said).toEqual(['a, b, c, d, e and 2 more: left alone: cannot reach systemd (start it)']);
  left(plan([...ids, 'h'].map((id) => held(id, silent))), {}, true);
  expect(said[1]).toBe('h: left alone: cannot reach systemd (start it)');
});

it('tells what somebody has changed, and until when that is left so', () => {
  const until = Date.UTC(2026, 0, 1);
  const marks = { web: { hold: { what: 'stopped', since: 0, until } } } as const;
  left(plan([held('web', { kind: 'drift', what: 'stopped' })]), marks, true);
  left(plan([held('web', { kind: 'drift', what: 'stopped', until })]), marks, true);
  left(plan([], [{ kind: 'drift', service: 'api', what: 'edited' }]), {}, true);
  expect(said).toEqual([
    'web: stopped by somebody, and Git has not changed, left so until 2026-01-01T00:00:00.000Z',
    'api: edited by somebody, and Git has not changed',
  ]);
});

it('says nothing twice because some services were looked at alone', () => {
  left(plan([held('web', fatal), held('api', fatal)]), {}, true);
  left(plan([held('web', fatal)]), {}, false);
  left(plan([held('web', fatal), held('api', fatal)]), {}, true);
  expect(said).toHaveLength(1);
});

it('leaves to the embedded supervisor what it tells itself', () => {
  left(plan([held('web', fatal, 'builtin'), held('api', silent, 'builtin')]), {}, true);
  expect(said).toEqual(['api: left alone: cannot reach systemd (start it)']);
});

it('knows what services wait for by the last plan of all, and leaves to others what they say of their state', () => {
  const gate = {
    kind: 'gate',
    gate: 'tcp :1',
    why: 'refused',
    waits: { action: 'restart', effect: 'restart' },
    since: 0,
  } as const;
  left(plan([held('web', gate as unknown as Held['reason']), held('db', fatal), held('api', silent)]), {}, true);
  left(plan([]), {}, false);
  expect([...left.texts()]).toEqual([['web', 'its restart waits for its gate (tcp :1): refused']]);
  left(plan([]), {}, true);
  expect(left.texts().size).toBe(0);
});
