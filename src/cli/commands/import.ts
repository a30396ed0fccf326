import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { closest } from '../../closest.ts';
import { runtimeFolder } from '../../desired/instances.ts';
import { load } from '../../desired/load.ts';
import { createMonitor } from '../../health/monitor.ts';
import { draftsOf, type ServiceDraft } from '../../import/drafts.ts';
import { inTheWay, type NewFile, type Target, targetIn } from '../../import/files.ts';
import type { Found, Imported, Refused } from '../../import/found.ts';
import { type Asked, choiceOf, gather, isMeant, namesOfFound } from '../../import/gather.ts';
import { readersHere } from '../../import/readers.ts';
import { envFolder } from '../../import/secret-files.ts';
import { settle } from '../../import/settle.ts';
import { serviceFor } from '../../import/there.ts';
import { writeAll } from '../../import/write.ts';
import { withInstances } from '../../instances.ts';
import type { Desired, Service, SupervisorName } from '../../model.ts';
import { Failure, type Problem } from '../../problem.ts';
import { openRegistry } from '../../supervisors/index.ts';
import type { Context, Options } from '../context.ts';
import { importJson, importText } from '../views/import.ts';
import { reportOf, type There } from './import-report.ts';
import { usage } from './lease.ts';

/** `reconcile import`: service files of what this host has; supervises nothing until somebody says so. */
export async function importCommand(context: Context, options: Options): Promise<number> {
  const { config, style, width, out, note } = context;
  const target = targetOf(context, options);
  const before = await desiredIn(target, context);
  const { instances = [], services: declared = [] } = before ?? {};
  const { logDir } = config;
  const readers = readersHere({ rewrite: options.rewrite === true, instances, logDir });
  const gathered = await gather(choiceOf(askedBy(options)), readers, supervisorOf(options));
  const meant = chosen(gathered.found, options.names ?? []);
  const { fresh, there } = apart(meant, before, options.force === true);
  const drafts = draftsOf(fresh, {
    taken: new Set(declared.map(({ name }) => name).filter((name) => !fresh.some((one) => one.again === name))),
    envDir: resolve(options.envDir ?? envFolder()),
  });
  const settled = await settle(drafts, gathered.supervisors, {
    target,
    hostname: config.host,
    logDir,
    check: (desired, own) => definedBy(context, desired, own),
  });
  // A supervisord that is declared already stays as it is declared.
  const others = settled.files.filter(({ kind, path }) => kind !== 'supervisor' || !existsSync(path));
  const blocked = options.force === true ? [] : inTheWay(others);
  const names = new Set(blocked.map(({ name }) => name));
  const kept = settled.services.filter(({ name }) => !names.has(name));
  const files = others.filter(({ name }) => !names.has(name));
  const refused = [
    ...meant.filter((one) => one.kind === 'refused'),
    ...settled.refused,
    ...settled.services.filter(({ name }) => names.has(name)).map((draft) => refusedFor(draft, blocked)),
  ];
  const written = options.dryRun !== true && files.length > 0;
  if (written) writeAll(files);
  const report = reportOf({ target, kept, files, refused, there, gathered, written: options.dryRun !== true });
  const json = importJson(report);
  if (!options.json) out(importText(report, { style, width }));
  if (options.adopt === true) {
    const all = [...kept.map(({ name }) => name), ...there.map(({ service }) => service.name)];
    const { adopt } = await import('./adopt.ts');
    const desired = options.dryRun === true ? withRunners(settled.desired ?? before) : undefined;
    const means = desired === undefined ? { imported: json } : { imported: json, desired };
    const code = await adopt(context, options, all, means);
    return refused.length > 0 && code !== 1 ? 3 : code;
  }
  if (options.json) out(`${JSON.stringify(json, null, 2)}\n`);
  else if (written) note(nextSteps(target, context, options));
  if (refused.length > 0) return 3;
  return options.dryRun === true && files.length > 0 ? 2 : 0;
}

/** With what runs its supervisords, as a desired state that is read has it. */
function withRunners(desired: Desired | undefined): Desired | undefined {
  return desired === undefined ? undefined : withInstances(desired, runtimeFolder());
}

function targetOf({ config }: Context, { out, adopt }: Options): Target {
  if (adopt === true && out !== undefined && resolve(out) !== config.desiredState) {
    throw usage(
      'cannot adopt by another directory than the desired state in use',
      `name it for all: reconcile --desired-state ${out} import --adopt`,
    );
  }
  if (out === undefined && config.git !== undefined) {
    throw usage(
      'cannot import into the desired state: it is fetched from a repository elsewhere',
      'write to a work tree of it: reconcile import --out DIR',
    );
  }
  return targetIn(out === undefined ? config.desiredState : resolve(out), config.host);
}

/** What is there already; undefined where nothing is. */
async function desiredIn({ directory }: Target, { config }: Context): Promise<Desired | undefined> {
  if (!existsSync(directory)) return undefined;
  const { host: hostname, logDir } = config;
  const loaded = await load({ directory, hostname, logDir });
  if (loaded.kind === 'valid') return loaded.desired;
  // A host that is new there has no file yet.
  if (loaded.problems.every(({ code }) => code === 'no-services')) return undefined;
  throw new Failure(...loaded.problems);
}

function askedBy({ all, units, supervisord, cron, processes, pid }: Options): Asked {
  const pids = (pid ?? []).map((text) => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    throw usage(`cannot import process '${text}': that is no pid`, '`reconcile who NAME` or `pgrep -a` tell pids');
  });
  return {
    ...(all === undefined ? {} : { all }),
    ...(units === undefined ? {} : { units }),
    ...(supervisord === undefined
      ? {}
      : { supervisord: supervisord === true ? true : supervisord.map((path) => resolve(path)) }),
    ...(cron === undefined ? {} : { cron }),
    ...(processes === undefined ? {} : { processes }),
    pids,
  };
}

/** systemd runs what it is given at boot, whether or not a daemon of ours runs. */
function supervisorOf({ supervisor }: Options): SupervisorName {
  if (supervisor === undefined)
    return existsSync('/run/systemd/system') && process.getuid?.() === 0 ? 'systemd' : 'builtin';
  if (/^(builtin|systemd|supervisord\/[a-z0-9][a-z0-9_.-]*)$/.test(supervisor)) return supervisor as SupervisorName;
  throw usage(
    `there is no supervisor '${supervisor}'`,
    'give builtin, systemd, or supervisord/NAME of supervisors/NAME.yaml',
  );
}

function chosen(found: readonly Found[], names: readonly string[]): readonly Found[] {
  if (names.length === 0) return found;
  const known = [...new Set(found.flatMap(namesOfFound))];
  const unknown = names.filter((name) => !found.some((one) => isMeant(one, [name])));
  if (unknown.length > 0) {
    throw new Failure(
      ...unknown.map((name): Problem => {
        const near = closest(name, known);
        const hint =
          near === undefined
            ? '`reconcile import --dry-run` shows what is found; --units PATTERN, --processes and --all look at more'
            : `did you mean '${near}'?`;
        return { code: 'nothing-found', summary: `nothing to import is called '${name}'`, hint };
      }),
    );
  }
  return found.filter((one) => isMeant(one, names));
}

/** `again`: the service whose file is written anew. */
type Fresh = Imported & { readonly again?: string };

/** What has a file already is left as it is, or with --force made anew under its name. */
function apart(found: readonly Found[], before: Desired | undefined, force: boolean) {
  const imported = found.filter((one) => one.kind === 'imported');
  const there = imported.flatMap((one): There[] => {
    const service = serviceFor(one, before?.services ?? [], before?.instances ?? []);
    return service === undefined ? [] : [{ one, service }];
  });
  const names = new Map(there.map(({ one, service }) => [one, service.name]));
  if (!force) return { there, fresh: imported.filter((one) => !names.has(one)).map((one): Fresh => one) };
  const again = (one: Imported): Fresh => {
    const name = names.get(one);
    return name === undefined ? one : { ...one, name, again: name };
  };
  return { there: [], fresh: imported.map(again) };
}

/** What supervisors refuse of these, by service. */
async function definedBy(
  { config }: Context,
  desired: Desired,
  services: readonly Service[],
): Promise<ReadonlyMap<string, readonly Problem[]>> {
  await using monitor = createMonitor();
  const { runtimeDir, logDir } = config;
  await using registry = openRegistry({ owner: desired.policy.owner, runtimeDir, logDir, supervise: false, monitor });
  const supervisors = await registry.take(new Set(services.map(({ supervisor }) => supervisor)), desired.instances);
  return new Map(
    services.flatMap((service): [string, readonly Problem[]][] => {
      const defined = supervisors.get(service.supervisor)?.define(service);
      return Array.isArray(defined) ? [[service.name, defined]] : [];
    }),
  );
}

function refusedFor({ name, origin }: ServiceDraft, blocked: readonly NewFile[]): Refused {
  const path = blocked.find((file) => file.name === name)?.path ?? '';
  const problem: Problem = {
    code: 'already-there',
    summary: `cannot import ${name}: there is another file ${path}`,
    hint: 'look at it, and move it away, or write it anew with --force',
  };
  return { kind: 'refused', origin, problem };
}

function nextSteps({ directory }: Target, { config }: Context, { desiredState }: Options): string {
  const usual = directory === config.desiredState && desiredState === undefined;
  const flag = usual ? '' : ` --desired-state ${directory}`;
  const [look, take] = [`reconcile --dry-run${flag}`, `reconcile import --adopt${flag}`];
  return [
    'Nothing of it is managed yet: each file says `mode: observe`, and what runs goes on as it is.',
    `  ${look.padEnd(take.length)}    what would be taken over, and how`,
    `  ${take}    take over, with its process, what can be without a restart`,
    '',
  ].join('\n');
}
