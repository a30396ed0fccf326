import { existsSync, realpathSync } from 'node:fs';
import { localPath, mirrorOf, type Remote, splitUrl } from './remote.ts';

/** Of ours, what programs that git starts need to find the network. */
const PASSED = [
  'PATH',
  'TMPDIR',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
];
const CERTIFICATES = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'GIT_SSL_CAINFO', 'GIT_SSL_CAPATH'];

/**
 * Git's own means to give a user and a password: a helper that reads them where they are. Only variables are named in its
 * text, so that nothing secret stands in anybody's arguments.
 */
const HELPER =
  '!f() { test "$1" = get || exit 0; printf \'username=%s\\n\' "$RECONCILED_GIT_USER"; ' +
  'if test -n "$RECONCILED_GIT_TOKEN_FILE"; then printf \'password=%s\\n\' "$(head -n 1 "$RECONCILED_GIT_TOKEN_FILE")"; ' +
  'else printf \'password=%s\\n\' "$RECONCILED_GIT_PASSWORD"; fi; }; f';

/**
 * The whole environment of git: no configuration but ours, no prompt, no hook, no program that a repository names. It
 * works on the mirror, whose own configuration is ours.
 */
export function environmentOf(remote: Remote, more: readonly Entry[] = []): Record<string, string> {
  const { url, user, password } = splitUrl(remote.url);
  const entries = [...SETTINGS, ...remoteEntries(remote, url, user, password), ...more];
  return {
    ...passed(),
    ...hardened(),
    HOME: remote.folder,
    GIT_DIR: mirrorOf(remote),
    GIT_ALLOW_PROTOCOL: 'file:ssh:https:http:git',
    GIT_SSH_COMMAND: sshCommand(remote),
    ...(remote.sshKey === undefined && process.env.SSH_AUTH_SOCK ? { SSH_AUTH_SOCK: process.env.SSH_AUTH_SOCK } : {}),
    ...(remote.tokenFile === undefined ? {} : { RECONCILED_GIT_TOKEN_FILE: remote.tokenFile }),
    ...(password === undefined ? {} : { RECONCILED_GIT_PASSWORD: password }),
    RECONCILED_GIT_USER: user ?? 'git',
    ...configured(entries),
  };
}

/** A setting of git. */
export type Entry = readonly [key: string, value: string];

/** What switches off all that a repository or an account could bring along, whatever git works on. */
export function hardened(): Record<string, string> {
  return {
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_PAGER: 'cat',
  };
}

/** Settings as variables: they outweigh those of a repository, and are in nobody's arguments. */
export function configured(entries: readonly Entry[]): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(entries.length) };
  entries.forEach(([key, value], i) => {
    variables[`GIT_CONFIG_KEY_${i}`] = key;
    variables[`GIT_CONFIG_VALUE_${i}`] = value;
  });
  return variables;
}

export function passed(): Record<string, string> {
  return Object.fromEntries(
    [...PASSED, ...CERTIFICATES].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Of any repository. */
export const SETTINGS: readonly Entry[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.logAllRefUpdates', 'false'],
  // A file that large is read in pieces, and never whole into memory.
  ['core.bigFileThreshold', '1m'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['fetch.writeCommitGraph', 'false'],
  ['pack.threads', '1'],
  ['gpg.program', '/bin/false'],
  ['gpg.x509.program', '/bin/false'],
  ['init.defaultBranch', 'main'],
];

/** A transfer slower than this (bytes in a second, seconds) is as good as none. */
const SLOW: readonly Entry[] = [
  ['http.lowSpeedLimit', '100'],
  ['http.lowSpeedTime', '30'],
  // A helper's answer is for the host that was meant, and for no other that it sends us to.
  ['http.followRedirects', 'initial'],
];

function remoteEntries(remote: Remote, url: string, user: string | undefined, password: string | undefined): Entry[] {
  const { tokenFile, credentialHelper } = remote;
  const host = /^https?:\/\/[^/]+/i.exec(url)?.[0];
  const own = tokenFile !== undefined || password !== undefined;
  return [
    ['remote.origin.url', url],
    ['remote.origin.uploadpack', uploadPack(remote)],
    ['remote.origin.tagOpt', '--no-tags'],
    ...(host === undefined ? [] : SLOW),
    ...(host !== undefined && own ? [[`credential.${host}.helper`, HELPER] as const] : []),
    ...(credentialHelper === undefined ? [] : [['credential.helper', credentialHelper] as const]),
    ...(user === undefined ? [] : [['credential.username', user] as const]),
  ];
}

/**
 * What reads a repository of this host. One of another user is read as him: git reads its configuration. Its path was
 * named to us, which is what git asks for before it reads what others own.
 */
function uploadPack({ url, owner }: Remote): string {
  const path = localPath(url);
  if (path === undefined) return 'git-upload-pack';
  // Git compares with the real path.
  const real = existsSync(path) ? realpathSync(path) : path;
  const git = `env GIT_NO_LAZY_FETCH=1 git -c safe.directory=${quote(real)} -c safe.directory=${quote(`${real}/.git`)} upload-pack`;
  if (owner === undefined) return git;
  return `setpriv --reuid=${owner.uid} --regid=${owner.gid} --clear-groups ${git}`;
}

function sshCommand({ sshKey, knownHosts }: Remote): string {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'ConnectTimeout=15',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=2',
    ...(sshKey === undefined ? [] : ['IdentitiesOnly=yes']),
    ...(knownHosts === undefined ? [] : [`UserKnownHostsFile=${spaced(knownHosts)}`, 'GlobalKnownHostsFile=/dev/null']),
  ];
  return [
    'ssh',
    ...(sshKey === undefined ? [] : ['-i', quote(sshKey)]),
    ...options.map((one) => `-o ${quote(one)}`),
  ].join(' ');
}

/** As ssh reads a path among several. */
function spaced(path: string): string {
  return /[\s"]/.test(path) ? `"${path.replace(/"/g, '\\"')}"` : path;
}

/** One word for a shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}
