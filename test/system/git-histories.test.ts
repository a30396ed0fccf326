import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { load } from '../../src/desired/load.ts';
import { treeFolder } from '../../src/git/export.ts';
import { type Place, type Remote, remoteOf } from '../../src/git/remote.ts';
import { treeOf } from '../../src/git/settings.ts';
import { refresh } from '../../src/git/source.ts';
import type { Desired } from '../../src/model.ts';
import type { GitSettings } from '../../src/settings.ts';
import { valueOfProcess } from '../rig/git/follow.ts';
import { FOLDER, History, inForceAfter, NAMES, type Step, servicesIn, steps } from '../rig/git/history.ts';
import { startHttp } from '../rig/git/http.ts';
import { makeKey, type SshKey, signer } from '../rig/git/keys.ts';
import { createRepository, type Repository } from '../rig/git/repository.ts';
import { createSite, policyOf, TRANSPORTS, type Transport } from '../rig/git/site.ts';
import { startSshd } from '../rig/git/sshd.ts';
import { type Host, until } from '../rig/host.ts';

const LONG = process.env.RECONCILED_LONG === '1';
const RUNS: Readonly<Record<Transport, number>> = LONG
  ? { file: 1000, ssh: 50, http: 50 }
  : { file: 50, ssh: 8, http: 8 };
const REAL = LONG ? 20 : 4;
const OWNER = 'fleet';

let folder: string;
let keys: { readonly good: SshKey; readonly another: SshKey };
let signers: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-histories-')));
  keys = { good: makeKey(join(folder, 'dana')), another: makeKey(join(folder, 'mallory')) };
  signers = join(folder, 'allowed_signers');
  writeFileSync(signers, signer('dana@example.org', keys.good));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** How a repository of this host is reached. */
interface Way extends AsyncDisposable {
  settings(repository: Repository): Omit<GitSettings, 'poll' | 'path'>;
}

const nothing = async () => undefined;

async function wayOf(transport: Transport): Promise<Way> {
  if (transport === 'file')
    return { settings: (repository) => ({ url: repository.folder, ref: 'main' }), [Symbol.asyncDispose]: nothing };
  if (transport === 'ssh') {
    const sshd = await startSshd();
    return {
      settings: (repository) => ({
        url: sshd.url(repository.folder),
        ref: 'main',
        sshKey: sshd.client.file,
        knownHosts: sshd.knownHosts,
      }),
      [Symbol.asyncDispose]: () => sshd[Symbol.asyncDispose](),
    };
  }
  const http = await startHttp();
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${http.token}\n`, { mode: 0o600 });
  return {
    settings: (repository) => ({ url: http.url(repository.folder), ref: 'main', tokenFile }),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

/** Follows a repository as a daemon does, but for what is done with the desired state: what was valid last is in force. */
class Follower {
  inForce: { readonly commit: string; readonly desired: Desired } | undefined;
  readonly #place: Place;
  readonly #remote: Remote;
  /** What it said of each tip. */
  readonly said: string[] = [];

  constructor(stateDir: string, settings: Omit<GitSettings, 'poll' | 'path'>, trust: boolean) {
    const git: GitSettings = { ...settings, path: FOLDER, poll: 60_000 };
    this.#remote = remoteOf(stateDir, git);
    this.#place = {
      git,
      stateDir,
      desiredState: treeOf(stateDir, git),
      ...(trust ? { trust: { signedBy: signers } } : {}),
    };
  }

  async look(): Promise<void> {
    const found = await refresh(this.#place, this.#remote);
    if (found.kind !== 'taken') {
      this.said.push(`${found.kind}: ${found.problem.summary}`);
      if (found.kind === 'failed') throw new Error(`${found.problem.code}: ${found.problem.summary}`);
      return;
    }
    const { commit } = found.commit;
    const loaded = await load({ directory: treeFolder(this.#remote, commit), hostname: 'here' });
    const valid = loaded.kind === 'valid' && loaded.desired.policy.owner === OWNER;
    this.said.push(`taken ${commit.slice(0, 7)}: ${valid ? 'valid' : 'invalid'}`);
    if (valid) this.inForce = { commit, desired: loaded.desired };
  }
}

async function follow(way: Way, all: readonly Step[], trust: boolean): Promise<void> {
  const here = mkdtempSync(join(folder, 'history-'));
  try {
    const repository = createRepository(join(here, 'fleet.git'));
    const history = new History(repository, `owner: ${OWNER}\n`, keys, all);
    const follower = new Follower(join(here, 'state'), way.settings(repository), trust);
    const expected = inForceAfter(history, trust);
    for (const [i, tip] of history.tips.entries()) {
      repository.push(tip);
      await follower.look();
      const commit = expected[i];
      const seen = follower.inForce;
      expect(seen?.commit, `after tip ${i}, ${tip}: ${follower.said.join('; ')}`).toBe(commit);
      if (commit === undefined) continue;
      const values = seen?.desired.services.map(({ name, written }) => [name, Number(written.environment?.VALUE)]);
      const declared = Object.entries(servicesIn(history.files(commit))).map(([name, { value }]) => [name, value]);
      expect(values).toEqual(declared.toSorted());
    }
  } finally {
    rmSync(here, { recursive: true, force: true });
  }
}

test(`with real services and a daemon, what runs is what the last trusted and valid commit declares (${REAL} of them)`, {
  timeout: 1_800_000,
}, async () => {
  await fc.assert(fc.asyncProperty(steps, fc.boolean(), followLive), { numRuns: REAL, endOnFailure: true });
});

/** A daemon is told of each tip; what runs then, with which settings, is compared with the model. */
async function followLive(all: readonly Step[], trust: boolean): Promise<void> {
  await using site = await createSite({ trust, path: FOLDER, poll: '1h' });
  const { host, repository } = site;
  const history = new History(repository, policyOf(host), site.keys, all);
  const expected = inForceAfter(history, trust);
  repository.push(history.tips[0] ?? '');
  const daemon = await host.daemon();
  for (const [i, tip] of history.tips.entries()) {
    repository.push(tip);
    await host.reconcile('sync');
    const commit = expected[i];
    const declared = commit === undefined ? {} : servicesIn(history.files(commit));
    const wanted = Object.entries(declared).map(([name, { value }]) => `sleep ${7000 + NAMES.indexOf(name)} ${value}`);
    const seen = () => runningIn(host).toSorted();
    await until(() => `${seen()}` === `${wanted.toSorted()}`, 30).catch((cause) => {
      throw new Error(`after tip ${i}, ${tip}: ${seen()} in place of ${wanted}: ${daemon.output()}`, { cause });
    });
  }
  const { stdout } = await host.reconcile('status');
  expect(stdout).toContain(expected.at(-1)?.slice(0, 7));
}

/** The commands of all services that run, with the value that each was started with. */
function runningIn(host: Host): readonly string[] {
  return host
    .processes()
    .filter(({ command }) => command.startsWith('sleep 7'))
    .map(({ pid, command }) => `${command} ${valueOfProcess(pid)}`);
}

describe.each(TRANSPORTS)('random histories over %s', (transport) => {
  test(`end in the state of the last trusted and valid commit (${RUNS[transport]} of them)`, {
    timeout: 3_600_000,
  }, async () => {
    await using way = await wayOf(transport);
    const some = () =>
      fc.assert(
        fc.asyncProperty(steps, fc.boolean(), (all, trust) => follow(way, all, trust)),
        { numRuns: Math.ceil(RUNS[transport] / 2) },
      );
    // Two at a time: most of each is waited for.
    await Promise.all([some(), some()]);
  });
});
