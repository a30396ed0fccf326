import { relative } from 'node:path';
import type { Desired, Service } from '../model.ts';
import { Failure, type Problem } from '../problem.ts';
import type { ServiceDraft } from './drafts.ts';
import { byFile, filesOf, loadWith, type NewFile, type Target } from './files.ts';
import type { FoundSupervisor, Refused } from './found.ts';

/** What can be written, and is valid with all that is there. */
export interface Settled {
  readonly services: readonly ServiceDraft[];
  readonly files: readonly NewFile[];
  readonly refused: readonly Refused[];
  /** As it would be; undefined where nothing is to be written. */
  readonly desired: Desired | undefined;
}

export interface SettleMeans {
  readonly target: Target;
  readonly hostname: string;
  readonly logDir: string;
  /** What stands in the way of these services under their supervisors. */
  readonly check: (desired: Desired, services: readonly Service[]) => Promise<ReadonlyMap<string, readonly Problem[]>>;
}

/**
 * Leaves out what would make the desired state invalid, each with the reason, until the rest is well. Fails where what is
 * there already is invalid by itself.
 */
export async function settle(
  drafts: readonly ServiceDraft[],
  instances: readonly FoundSupervisor[],
  means: SettleMeans,
): Promise<Settled> {
  const refused: Refused[] = [];
  let services = drafts;
  for (;;) {
    const used = instances.filter(({ name }) =>
      services.some(({ service }) => service.supervisor === `supervisord/${name}`),
    );
    const files = await filesOf(services, used, means.target);
    if (services.length === 0) return { services, files, refused, desired: undefined };
    const bad = await whatIsWrong(services, files, means);
    if (bad.problems.size === 0) return { services, files, refused, desired: bad.desired };
    for (const { name, origin } of services) {
      const [first, ...more] = bad.problems.get(name) ?? [];
      if (first === undefined) continue;
      const detail = more.map(({ summary }) => summary).join('\n');
      const { at: _, file: __, ...problem } = first;
      refused.push({ kind: 'refused', origin, problem: { ...problem, ...(detail === '' ? {} : { detail }) } });
    }
    services = services.filter(({ name }) => !bad.problems.has(name));
  }
}

async function whatIsWrong(
  services: readonly ServiceDraft[],
  files: readonly NewFile[],
  { target, hostname, logDir, check }: SettleMeans,
): Promise<{ readonly problems: ReadonlyMap<string, readonly Problem[]>; readonly desired: Desired | undefined }> {
  const loaded = await loadWith(files, target, { hostname, logDir });
  if (loaded.kind === 'valid') {
    const names = new Set(services.map(({ name }) => name));
    const own = loaded.desired.services.filter(({ name }) => names.has(name));
    return { problems: await check(loaded.desired, own), desired: loaded.desired };
  }
  const said = new Map(byFile(loaded.problems));
  const problems = new Map<string, readonly Problem[]>();
  for (const { kind, path, name } of files) {
    const at = relative(target.directory, path);
    const found = said.get(at);
    said.delete(at);
    if (found === undefined) continue;
    // Of a supervisord that can't be declared none of its programs can be a service.
    const whose =
      kind === 'supervisor'
        ? services.filter(({ service }) => service.supervisor === `supervisord/${name}`).map((one) => one.name)
        : [name];
    for (const one of whose) problems.set(one, [...(problems.get(one) ?? []), ...found]);
  }
  if (problems.size === 0) throw new Failure(...loaded.problems);
  return { problems, desired: undefined };
}
