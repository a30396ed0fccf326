import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHost, type Host } from '../host.ts';
import { type GitHttp, startHttp } from './http.ts';
import { makeKey, type SshKey, signer } from './keys.ts';
import { createRepository, type Files, type Repository } from './repository.ts';
import { type Sshd, startSshd } from './sshd.ts';

export type Transport = 'file' | 'ssh' | 'http';
export const TRANSPORTS: readonly Transport[] = ['file', 'ssh', 'http'];

/** A host whose desired state comes out of a repository, over a real transport, and that repository. */
export interface Site extends AsyncDisposable {
  readonly host: Host;
  readonly repository: Repository;
  /** As the configuration has it. */
  readonly url: string;
  /** Whose commits are trusted, where any have to be, and whose are not. */
  readonly keys: { readonly good: SshKey; readonly another: SshKey };
  readonly sshd: Sshd | undefined;
  readonly http: GitHttp | undefined;
  readonly tokenFile: string;
  /** Files of a commit in which these services are declared, and all that else is needed. */
  files(services: Readonly<Record<string, object>>): Files;
  /** Commits these services on top of what was committed last, signed where that matters, and pushes. */
  push(services: Readonly<Record<string, object>>): string;
}

export interface SiteOptions {
  readonly transport?: Transport;
  readonly trust?: boolean;
  readonly poll?: string;
  readonly path?: string;
  readonly filter?: boolean;
  readonly environment?: NodeJS.ProcessEnv;
  /** Instead of a folder of the host's own. */
  readonly stateDir?: string;
}

export async function createSite(options: SiteOptions = {}): Promise<Site> {
  const { transport = 'file', trust = false, poll = '1s', path, filter = true } = options;
  await using cleanup = new AsyncDisposableStack();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-site-')));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const repository = createRepository(join(folder, 'fleet.git'), { filter });
  const keys = { good: makeKey(join(folder, 'dana')), another: makeKey(join(folder, 'mallory')) };
  const signers = join(folder, 'allowed_signers');
  writeFileSync(signers, signer('dana@example.org', keys.good), { mode: 0o644 });
  const sshd = transport === 'ssh' ? cleanup.use(await startSshd()) : undefined;
  const http = transport === 'http' ? cleanup.use(await startHttp()) : undefined;
  const tokenFile = join(folder, 'token');
  if (http !== undefined) writeFileSync(tokenFile, `${http.token}\n`, { mode: 0o600 });
  const url = sshd?.url(repository.folder) ?? http?.url(repository.folder) ?? `file://${repository.folder}`;
  const git = {
    url,
    ref: 'main',
    poll,
    ...(path === undefined ? {} : { path }),
    ...(sshd === undefined ? {} : { sshKey: sshd.client.file, knownHosts: sshd.knownHosts }),
    ...(http === undefined ? {} : { tokenFile }),
  };
  const settings = {
    git,
    ...(trust ? { trust: { signedBy: signers } } : {}),
    ...(options.stateDir === undefined ? {} : { stateDir: options.stateDir }),
  };
  const host = cleanup.use(
    await createHost({
      settings: () => settings,
      ...(options.environment === undefined ? {} : { environment: options.environment }),
    }),
  );
  let head: string | undefined;
  const below = path === undefined ? '' : `${path}/`;
  const self: Site = {
    host,
    repository,
    url,
    keys,
    sshd,
    http,
    tokenFile,
    files: (services) => ({
      [`${below}policy.yaml`]: policyOf(host),
      ...Object.fromEntries(
        Object.entries(services).map(([name, service]) => [`${below}services/${name}.yaml`, JSON.stringify(service)]),
      ),
    }),
    push: (services) => {
      head = repository.commit(self.files(services), {
        parents: head === undefined ? [] : [head],
        ...(trust ? { signedBy: keys.good } : {}),
      });
      repository.push(head);
      return head;
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
  const disposal = cleanup.move();
  return self;
}

/** What is no longer declared is removed; what is killed by a test has not shown that its commit is bad. */
export function policyOf({ owner }: Pick<Host, 'owner'>): string {
  return `owner: ${owner}\nprune: { max: 20 }\nverify: { soak: 0s }\n`;
}

/** A service whose commands are told apart by their number, and restarts by the value. */
export function sleeper(number: number, value = 0): object {
  return {
    supervisor: 'builtin',
    command: ['sleep', `${7000 + number}`],
    environment: { VALUE: String(value) },
    start: { ready: '0s' },
    stop: { timeout: '5s' },
  };
}
