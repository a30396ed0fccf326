import { existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asArguments, type Config } from '../../config.ts';
import { checkSafety, writableByOthers } from '../../desired/safety.ts';
import { loadDesired } from '../../engine.ts';
import { takeLock } from '../../host/lock.ts';
import { lives } from '../../host/procfs.ts';
import { Failure, type Problem } from '../../problem.ts';
import { carryOut, unitState } from '../../service/carry-out.ts';
import { type Change, lockOf, planInstall, planUninstall } from '../../service/install.ts';
import { type Places, placesOf, whyNotPrefix } from '../../service/places.ts';
import { releaseOf } from '../../service/release.ts';
import { readPid } from '../../supervisors/builtin/fifo.ts';
import { agreed } from '../agreed.ts';
import type { Context, Options } from '../context.ts';
import { installJson, installText } from '../views/install.ts';
import { problemsText } from '../views/problems.ts';

/** `reconcile install`: makes the daemon a service of this host, or upgrades it; shows first what it would write. */
export async function installCommand(context: Context, options: Options): Promise<number> {
  const { config, note } = context;
  const places = placesFor(options, 'install');
  const args = await asArguments(options);
  refuseUnsafe(config, args, places);
  const release = releaseOf(packageFolder(), process.execPath);
  const needs = [...(config.git === undefined ? [config.desiredState] : []), config.stateDir, config.logDir];
  const plan = () => planInstall(places, release, { args, needs: [places.prefix, ...needs] });
  const did = await settle(context, options, places, plan, {
    nothing: 'Installed already, nothing to do.',
    question: 'Write this?',
  });
  if (did === undefined) return 2;
  if (options.json) return 0;
  await warnInvalid(context);
  const { active, enabled, program } = await unitState();
  const dropIns = listOf(`${places.unit}.d`).filter((name) => name.endsWith('.conf'));
  if (dropIns.length > 0) note(`Its drop-ins stay as they are: ${dropIns.join(', ')}\n`);
  if (!enabled) note(`Start it, and at every boot:  systemctl enable ${active ? '' : '--now '}reconciled\n`);
  else if (!active) note('Start it:  systemctl start reconciled\n');
  const isNew = did || program?.startsWith(`${places.releases}/${release.name}/`) !== true;
  if (active && isNew) note('It runs, and is this release from its next start on:  systemctl restart reconciled\n');
  return 0;
}

/** `reconcile uninstall`: ends the daemon and removes what `install` wrote. Services, decisions and logs stay. */
export async function uninstallCommand(context: Context, options: Options): Promise<number> {
  const { config, note } = context;
  const places = placesFor(options, 'uninstall');
  const did = await settle(context, options, places, () => planUninstall(places), {
    nothing: 'Nothing of it is installed.',
    question: 'Remove this?',
  });
  if (did === undefined) return 2;
  if (options.json) return 0;
  const services = join(config.runtimeDir, 'services');
  const running = listOf(services).filter((id) => {
    const main = readPid(join(services, id));
    return main !== undefined && lives(main);
  });
  const left = [config.runtimeDir, config.stateDir, config.logDir, `${places.unit}.d`].filter(existsSync);
  if (running.length > 0) {
    const names = `${running.slice(0, 5).join(', ')}${running.length > 5 ? ', ...' : ''}`;
    note(`Services of the embedded supervisor that go on, unsupervised: ${running.length} (${names})\n`);
  }
  if (left.length > 0) note(`Left as they are: ${left.join(', ')}\n`);
  return 0;
}

/** Shows, asks, does: whether there was anything to do; undefined where a dry run has only shown it. */
async function settle(
  { out, style }: Context,
  options: Options,
  places: Places,
  plan: () => readonly Change[],
  words: { readonly nothing: string; readonly question: string },
): Promise<boolean | undefined> {
  const shown = plan();
  const show = (done: boolean) => {
    if (options.json) out(`${JSON.stringify(installJson(shown, done), null, 2)}\n`);
    else out(shown.length === 0 ? `${words.nothing}\n` : installText(shown, style));
  };
  if (options.dryRun === true || shown.length === 0) {
    show(shown.length === 0);
    return shown.length === 0 ? false : undefined;
  }
  if (!options.json) show(false);
  if (options.yes !== true && !(await agreed(words.question))) {
    throw new Failure({
      code: 'not-confirmed',
      summary: 'nothing was changed: nobody has agreed to it',
      hint: 'answer `y` on a terminal, or give --yes',
    });
  }
  mkdirSync(places.prefix, { recursive: true, mode: 0o755 });
  const holder = { pid: process.pid, role: 'apply', desiredState: '', since: new Date().toISOString() } as const;
  const lock = await takeLock(lockOf(places), holder, 0);
  if (lock === undefined) throw new Failure(another(places));
  using _ = lock;
  // Somebody may have been at it while nobody answered.
  if (JSON.stringify(plan()) !== JSON.stringify(shown) && options.yes !== true) throw new Failure(CHANGED);
  await carryOut(shown, places);
  if (options.json) show(true);
  return true;
}

const CHANGED: Problem = {
  code: 'changed-meanwhile',
  summary: 'nothing was changed: what is there is no longer what was shown',
  hint: 'run it again',
};

function another(places: Places): Problem {
  const summary = `cannot go on: another install works on ${places.prefix}`;
  return { code: 'locked', summary, hint: 'wait for it, then run this again' };
}

function placesFor({ prefix }: Options, command: string): Places {
  const places = placesOf(prefix);
  const problem = whyNotPrefix(places.prefix) ?? whyNotHere(command);
  if (problem !== undefined) throw new Failure(problem);
  return places;
}

function whyNotHere(command: string): Problem | undefined {
  const cannot = (because: string, hint: string) => ({
    code: 'cannot-install',
    summary: `cannot ${command} the service: ${because}`,
    hint,
  });
  if (process.getuid?.() !== 0)
    return cannot(
      'only root can write it',
      'run it with sudo; for your own services, `reconcile daemon` needs no root and can be started by a unit of your own (`systemctl --user`, Type=notify, NotifyAccess=all, KillMode=process)',
    );
  if (!existsSync('/run/systemd/system'))
    return cannot(
      'systemd does not run this host',
      command === 'uninstall'
        ? 'nothing of it can be installed here; to end a daemon: SIGTERM, or `reconcile daemon --stop-services` for its services too'
        : 'have its init or container runtime start `reconcile daemon` in the foreground, and end it with SIGTERM alone',
    );
  if (!(process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, 'systemd-notify'))))
    return cannot('there is no systemd-notify program', 'it comes with systemd: install it');
  return undefined;
}

/** What root is to run must not be others' to change. */
function refuseUnsafe(config: Config, args: readonly string[], places: Places): void {
  const problems: Problem[] = [];
  if (config.git === undefined) {
    if (existsSync(config.desiredState)) problems.push(...checkSafety(config.desiredState));
    else
      problems.push({
        code: 'no-desired-state',
        summary: `cannot install the service: there is no desired-state directory ${config.desiredState}`,
        hint: 'say where it is: --desired-state DIR, or desiredState or git in --config FILE',
      });
  }
  const file = args[args.indexOf('--config') + 1];
  const used = [args.includes('--config') ? file : undefined, existing(places.prefix)];
  for (const path of used) {
    const open = path === undefined ? undefined : writableByOthers(path);
    if (open === undefined) continue;
    const summary = `cannot install the service: others than root can write ${open}`;
    problems.push({ code: 'unsafe-path', summary, hint: `chown root ${open} && chmod go-w ${open}` });
  }
  if (problems.length > 0) throw new Failure(...problems);
}

/** The nearest folder above that is there. */
function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}

/** Of the package that this is a part of. */
function packageFolder(): string {
  if (!import.meta.url.endsWith('.js'))
    throw new Failure({
      code: 'not-built',
      summary: 'cannot install from sources: a release is made of what was built',
      hint: '`npm run build`, then `dist/reconcile install`',
    });
  return realpathSync(new URL('../..', import.meta.url));
}

async function warnInvalid({ config, note, style }: Context): Promise<void> {
  if (config.git !== undefined) return;
  try {
    await loadDesired(config);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    note(
      `${problemsText(error.problems, style)}\nThe desired state is not valid: the daemon starts once that is mended.\n`,
    );
  }
}

function listOf(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
