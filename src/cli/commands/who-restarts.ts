import { setTimeout as sleep } from 'node:timers/promises';
import { cadenceOf, cadenceWords } from '../../duels/cadence.ts';
import { type Finding, findingsOf } from '../../duels/evidence.ts';
import { ownRestartsOf } from '../../duels/own-restarts.ts';
import type { Samples, Subject } from '../../duels/samples.ts';
import { startedWords } from '../../duels/started.ts';
import { usersIn } from '../../duels/users.ts';
import { watch } from '../../duels/watch.ts';
import { Failure } from '../../problem.ts';
import { formatDuration, parseDuration } from '../../units.ts';
import type { Context, Options } from '../context.ts';
import { type WhoFinding, type WhoRestarts, whoRestartsJson, whoRestartsText } from '../views/who-restarts.ts';
import { subjectsOf } from './subjects.ts';

export type WhoRestartsOptions = Options & { readonly restarts?: string; readonly for?: string };

/** `reconcile who --restarts NAME --for 10s`: watches, and tells who restarts it. Changes nothing. */
export async function whoRestarts(context: Context, options: WhoRestartsOptions): Promise<number> {
  const { restarts: name = '', for: text = '10s', json } = options;
  const time = parseDuration(text);
  if (time === undefined || time < MINIMUM || time > MAXIMUM) {
    throw new Failure({
      code: 'bad-duration',
      summary: `cannot watch for '${text}': it is no duration between ${formatDuration(MINIMUM)} and 1h`,
      hint: 'write it as 10s or 1m30s',
    });
  }
  const subjects = await subjectsOf(context, name);
  const before = await ownRestartsOf(subjects);
  const names = subjects.map((subject) => subject.name).join(', ');
  context.note(`Watching ${names} for ${formatDuration(time)} (Ctrl-C tells what was seen until then) …\n`);
  const samples = await see(subjects, time, context.note);
  const after = await ownRestartsOf(subjects);
  const counts = [...before].flatMap(([subject, count]) => {
    const now = after.get(subject);
    return now === undefined ? [] : [[subject, { before: count, after: now }] as const];
  });
  const userOf = await usersIn(samples);
  const findings = findingsOf(samples, subjects, { userOf, restarts: new Map(counts) });
  const value = restartsOf(name, subjects, samples, findings);
  if (json) context.out(`${JSON.stringify(whoRestartsJson(value), null, 2)}\n`);
  else context.out(whoRestartsText(value, { style: context.style }));
  return 0;
}

const MINIMUM = 100;
const MAXIMUM = 3_600_000;
/** ms. How often it is told what happens meanwhile. */
const TELL = 250;

async function see(subjects: readonly Subject[], time: number, note: (text: string) => void): Promise<Samples> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once('SIGINT', stop);
  try {
    await using eye = watch(subjects);
    const end = performance.now() + time;
    const known = new Set(eye.samples().generations.map(keyOf));
    while (performance.now() < end && !abort.signal.aborted) {
      await sleep(Math.min(TELL, Math.max(0, end - performance.now())), undefined, { signal: abort.signal }).catch(
        () => {},
      );
      for (const one of eye.samples().generations) {
        if (known.has(keyOf(one))) continue;
        known.add(keyOf(one));
        note(`${new Date(one.firstSeen).toISOString().slice(11, 23)} ${one.subject}: new process ${one.process.pid}\n`);
      }
    }
    return eye.samples();
  } finally {
    process.off('SIGINT', stop);
  }
}

function keyOf({ subject, process: { pid, start } }: Samples['generations'][number]): string {
  return `${subject} ${pid} ${start}`;
}

function restartsOf(
  name: string,
  subjects: readonly Subject[],
  samples: Samples,
  findings: readonly Finding[],
): WhoRestarts {
  const watched = subjects.map((subject) => {
    const generations = samples.generations.filter((one) => one.subject === subject.name);
    // What ran already when the watch began is no new process.
    const fresh = generations.filter(({ firstSeen }) => firstSeen > samples.since);
    const living = generations.find(({ gone }) => gone === undefined);
    const cadence = cadenceOf(fresh.map(({ firstSeen }) => firstSeen));
    return {
      subject: subject.name,
      ...(living === undefined ? {} : { pid: living.process.pid }),
      restarts: fresh.length,
      ...(cadence === undefined ? {} : { cadence: cadenceWords(cadence) }),
    };
  });
  const time = Math.round((samples.until - samples.since) / 100) * 100;
  return { name, for: time, watched, findings: findings.map(shown), blind: samples.blind };
}

function shown({ cadence, by, ...finding }: Finding): WhoFinding {
  return {
    ...finding,
    ...(cadence === undefined ? {} : { cadence: { ...cadence, words: cadenceWords(cadence) } }),
    ...(by === undefined
      ? {}
      : { by: { ...by, started: by.started.kind, words: startedWords(by.started, by.user).replace(/,$/, '') } }),
  };
}
