import { existsSync, lstatSync } from 'node:fs';
import { configOf, isSupervisord } from '../graph/supervisords.ts';
import type { Instance } from '../instance.ts';
import type { Problem } from '../problem.ts';
import { readConfig } from '../supervisors/supervisord/config-file.ts';
import { down } from '../supervisors/supervisord/link.ts';
import type { Listener } from '../supervisors/supervisord/listeners.ts';
import { placeOf } from '../supervisors/supervisord/place.ts';
import { findSupervisord, whyNot } from '../supervisors/supervisord/presence.ts';
import { programsFile } from '../supervisors/supervisord/programs-file.ts';
import { listenerProblems } from '../supervisors/supervisord/safety.ts';
import { unsafeServices } from '../unsafe-instances.ts';
import { bad, type Finding, ok, warning, word } from './finding.ts';
import { type Check, desiredIfThere, type Means } from './means.ts';

/** The supervisords that are declared, and those that run besides. */
export const supervisord: Check = {
  topic: 'supervisord',
  look: async (means) => {
    const desired = await desiredIfThere(means);
    const declared = desired?.instances ?? [];
    const own = declared.map((instance) => declaredFindings(instance, desired?.policy.owner ?? ''));
    const open = desired === undefined ? [] : new Set(unsafeServices(desired).values());
    const found = [
      ...(await Promise.all(own)).flat(),
      ...[...open].map(({ summary, hint }) =>
        bad('supervisord-folder', summary, hint === undefined ? {} : { mend: [hint] }),
      ),
      ...otherFindings(means, new Set(declared.map(({ config }) => config))),
    ];
    return found.length > 0 ? found : [ok('supervisord', 'none is declared, and none runs')];
  },
};

async function declaredFindings(instance: Instance, owner: string): Promise<readonly Finding[]> {
  const { supervisor, config, owned, allowInsecureSocket } = instance;
  if (owned === undefined && !existsSync(config))
    return [
      bad('supervisord-config', `${supervisor}: there is no configuration ${config}`, {
        hint: `look at supervisors/${instance.name}.yaml`,
      }),
    ];
  const place = placeOf(instance, programsFile(instance, owner), false);
  const found: Finding[] = [];
  if (place.problem !== undefined) found.push(fromProblem('supervisord-config', supervisor, place.problem, bad));
  const grade = allowInsecureSocket ? warning : bad;
  found.push(...place.unsafe.map((problem) => fromProblem('supervisord-socket', supervisor, problem, grade)));
  found.push(...place.remarks.map((problem) => fromProblem('supervisord-remark', supervisor, problem, warning)));
  const presence = await findSupervisord(place);
  const problem = whyNot(instance, presence) ?? (presence.kind === 'gone' ? down(instance) : undefined);
  if (problem !== undefined) {
    // One that is ours is started by the next apply.
    const waits = presence.kind === 'gone' && owned !== undefined;
    const it = fromProblem('supervisord', supervisor, problem, waits ? warning : bad);
    const stale = presence.kind === 'gone' ? staleSocket(place.address) : undefined;
    found.push({
      ...it,
      ...(stale === undefined ? {} : { evidence: [`${stale} is left behind: nothing listens there`] }),
      ...mendFor(problem, waits),
    });
  }
  if (found.length > 0) return found;
  const pid = presence.kind === 'up' ? `, pid ${presence.pid}` : '';
  return [ok('supervisord', `${supervisor} answers${pid}`, { evidence: [config] })];
}

function mendFor({ hint = '' }: Problem, waits: boolean): Partial<Finding> {
  if (waits) return { mend: ['reconcile'] };
  return /^kill /.test(hint) ? { mend: [hint] } : {};
}

/** What others run is theirs, but a socket that anybody may speak to is a hole in this host. */
function otherFindings({ processes }: Means, declared: ReadonlySet<string>): readonly Finding[] {
  const running = [...processes()].filter(({ argv }) => isSupervisord(argv));
  const configs = new Map(running.map((process) => [configOf(process), process]));
  return [...configs].flatMap(([config, { pid }]): Finding[] => {
    if (config === undefined || declared.has(config) || !existsSync(config)) return [];
    const problems = readConfig(config, {}).listeners.flatMap((one) => listenerProblems(openingOf(one)));
    const name = `the supervisord of ${config}, pid ${pid},`;
    if (problems.length === 0) return [ok('supervisord-other', `${name} is none of ours`)];
    return problems.map((problem) => fromProblem('supervisord-socket', `${name} is none of ours`, problem, warning));
  });
}

function openingOf(listener: Listener): Parameters<typeof listenerProblems>[0] {
  return listener;
}

function fromProblem(check: string, whose: string, { summary, hint, at, file }: Problem, grade: typeof bad): Finding {
  const place = at === undefined ? file : `${at.file}:${at.line}`;
  const evidence = place === undefined ? {} : { evidence: [place] };
  const command = hint !== undefined && /^(chmod|chown) [^,]*$/.test(hint);
  const more = hint === undefined ? {} : command ? { mend: [hint] } : { hint };
  return grade(check, `${whose}: ${summary}`, { ...evidence, ...more });
}

function staleSocket(address: { readonly kind: string; readonly path?: string }): string | undefined {
  const { path } = address;
  if (path === undefined) return undefined;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isSocket() === true ? word(path) : undefined;
}
