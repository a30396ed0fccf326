import { randomUUID } from 'node:crypto';
import type { Alert } from '../../alerts/alert.ts';
import { send } from '../../alerts/send.ts';
import { placeOf, type Target, targetsOf } from '../../alerts/targets.ts';
import { closest } from '../../closest.ts';
import { loadDesired } from '../../engine.ts';
import type { Desired } from '../../model.ts';
import { Failure } from '../../problem.ts';
import { formatRevision } from '../../revision.ts';
import type { Context, Options } from '../context.ts';
import { type Tried, testJson, testText } from '../views/alert.ts';
import { person } from './lease.ts';
import { lookForNewest } from './newest.ts';

/** `reconcile alert test [NAME]`: sends a test alert, once, to every target or to one, and says what came back. */
export async function alertTestCommand(context: Context, options: Options): Promise<number> {
  const { config, style } = context;
  await lookForNewest(context);
  const desired = await loadDesired(config);
  const targets = chosen(targetsOf(desired.policy.written), options.what);
  const alert = testAlert(desired, config.host);
  const tried = await Promise.all(
    targets.map(async (target): Promise<Tried> => {
      const begun = performance.now();
      const sent = await send(target, alert, new AbortController().signal);
      const took = Math.max(1, Math.round(performance.now() - begun));
      return { name: target.name, place: placeOf(target), took, sent };
    }),
  );
  context.out(options.json ? `${JSON.stringify(testJson(tried), null, 2)}\n` : testText(tried, style));
  return tried.every(({ sent }) => sent.kind === 'done') ? 0 : 1;
}

function chosen(targets: readonly Target[], name: string | undefined): readonly Target[] {
  if (targets.length === 0)
    throw new Failure({
      code: 'no-alerts',
      summary: 'cannot test alerts: policy.yaml declares none',
      hint: 'for example `alerts: [{ name: ops, webhook: { url: https://alerts.example.com/hook } }]`',
    });
  if (name === undefined) return targets;
  const found = targets.filter((target) => target.name === name);
  if (found.length > 0) return found;
  const names = targets.map((target) => target.name);
  const near = closest(name, names);
  throw new Failure({
    code: 'no-such-alert',
    summary: `cannot test '${name}': policy.yaml has no alert of that name`,
    hint: near === undefined ? `there are ${names.join(', ')}` : `did you mean '${near}'?`,
  });
}

function testAlert({ policy, revision }: Desired, host: string): Alert {
  const at = Date.now();
  const title = `a test by ${person()}: nothing is wrong`;
  return {
    id: randomUUID(),
    key: 'test',
    kind: 'test',
    severity: 'info',
    state: 'firing',
    title,
    text: 'This is what alerts of this host look like here.',
    members: [{ key: 'test', title, since: at }],
    count: 1,
    since: at,
    at,
    host,
    owner: policy.owner,
    revision: formatRevision(revision),
  };
}
