import type { Readable } from 'node:stream';
import type { SimpleGitOptions } from 'simple-git';
import { type Problem, why } from '../problem.ts';
import { maskText } from '../secrets.ts';
import { type Remote, splitUrl } from './remote.ts';

/** What git answered, or why it did not. */
export type Answer =
  | { readonly kind: 'done'; readonly text: string }
  | { readonly kind: 'failed'; readonly failure: GitFailure };

/** Why git ended with an error, as it says it; nothing secret in it. */
export interface GitFailure {
  readonly reason: 'said' | 'timeout' | 'missing' | 'closed';
  /** What it wrote to its error output, without progress. */
  readonly text: string;
}

export interface RunOptions {
  /** It is given up where nothing is heard of it for so long (ms), */
  readonly silent?: number;
  /** and after this time at most. */
  readonly most?: number;
  readonly signal?: AbortSignal;
  /** What it reads from its standard input. */
  readonly input?: string;
}

const SILENT = 60_000;
const MOST = 30 * 60_000;
/** What git writes in answer to anything that we ask is far below this (bytes): a server can make it write more. */
const LARGEST = 4 << 20;

/** Runs git once and gives its output. Never throws for what git says. */
export async function runGit(
  remote: Pick<Remote, 'folder' | 'url'>,
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
  { silent = SILENT, most = MOST, signal, input }: RunOptions = {},
): Promise<Answer> {
  const { simpleGit } = await import('simple-git');
  const flood = new AbortController();
  const limits = [AbortSignal.timeout(most), flood.signal, ...(signal === undefined ? [] : [signal])];
  const streams: Readable[] = [];
  try {
    // It throws where there is no such folder.
    const git = simpleGit({
      baseDir: remote.folder,
      abort: AbortSignal.any(limits),
      timeout: { block: silent },
      allowEnvironment: Object.keys(environment),
      // The environment is ours from the first to the last variable, and so is every argument.
      unsafe: ALL,
      errors: (error, { exitCode, stdErr }) =>
        exitCode === 0 ? undefined : (error ?? Buffer.concat(stdErr as Buffer[])),
      ...(input === undefined ? {} : { input: () => input }),
    })
      .env({ ...environment })
      .outputHandler((_, out, err) => {
        let left = LARGEST;
        streams.push(out as Readable, err as Readable);
        for (const stream of streams)
          stream.on('data', (chunk: Buffer) => {
            left -= chunk.length;
            if (left < 0) flood.abort();
          });
      });
    return { kind: 'done', text: await git.raw([...args]) };
  } catch (error) {
    return { kind: 'failed', failure: failureOf(error, remote, signal) };
  } finally {
    // What a git that was killed has started holds them, and would keep us from ending, for as long as it likes.
    for (const stream of streams) stream.destroy();
  }
}

const ALL: NonNullable<SimpleGitOptions['unsafe']> = {
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeGpgProgram: true,
  allowUnsafeHooksPath: true,
  allowUnsafePack: true,
  allowUnsafePager: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
  allowUnsafeTemplateDir: true,
};

function failureOf(error: unknown, remote: Pick<Remote, 'url'>, signal: AbortSignal | undefined): GitFailure {
  const text = maskRemote(said(error), remote);
  if (signal?.aborted) return { reason: 'closed', text };
  const plugin = (error as { readonly plugin?: string }).plugin;
  if (plugin === 'timeout' || plugin === 'abort') return { reason: 'timeout', text };
  if (/\bENOENT\b/.test(text)) return { reason: 'missing', text };
  return { reason: 'said', text };
}

function said(error: unknown): string {
  return why(error)
    .split(/[\r\n]+/)
    .filter((line) => !/^(?:remote: )?(?:Enumerating|Counting|Compressing|Receiving|Resolving|Total|hint:)/.test(line))
    .join('\n')
    .trim();
}

/** A text without what is secret in a URL. */
export function maskRemote(text: string, { url }: Pick<Remote, 'url'>): string {
  const { password, user } = splitUrl(url);
  let masked = text;
  // Where there is no password the user may be the token.
  for (const secret of password === undefined ? [] : [password, encodeURIComponent(password)])
    masked = masked.replaceAll(secret, '***');
  if (password === undefined && user !== undefined && user.length > 16) masked = masked.replaceAll(user, '***');
  return maskText(masked);
}

/** A URL as it may be shown. */
export function shownUrl(remote: Pick<Remote, 'url'>): string {
  return maskRemote(remote.url, remote);
}

/** The first thing git complained of, for people. */
export function firstWords({ text }: GitFailure): string {
  const lines = text.split('\n').map((line) => line.replace(/^(?:remote: )?(?:fatal|error|ERROR): /, '').trim());
  return lines.find((line) => line !== '') ?? 'git said nothing';
}

/** Why a repository could not be read, in words people know, and what to do. */
export function problemOf(failure: GitFailure, remote: Remote): Problem {
  const of = shownUrl(remote);
  const problem = (code: string, reason: string, hint: string): Problem => ({
    code,
    summary: `cannot fetch ${of}: ${reason}`,
    hint,
  });
  const { reason, text } = failure;
  if (reason === 'missing') return problem('git-missing', 'there is no git here', 'install git');
  if (reason === 'timeout')
    return problem(
      'git-timeout',
      'it took too long',
      'it is tried again by itself; is the network slow, or the repository very large?',
    );
  for (const { when, code, hint, words } of KNOWN) {
    if (when.test(text)) return problem(code, words ?? firstWords(failure), hint(remote));
  }
  return problem('git-failed', firstWords(failure), 'it is tried again by itself');
}

interface Known {
  readonly when: RegExp;
  readonly code: string;
  /** Absent: git's own. */
  readonly words?: string;
  readonly hint: (remote: Remote) => string;
}

/** What git and ssh say, the particular before the general: ssh's own words come first, then git's of what it makes of them. */
const KNOWN: readonly Known[] = [
  {
    when: /No space left on device|Disk quota exceeded|disk quota/i,
    code: 'disk-full',
    words: 'no space left on the device',
    hint: () => 'make room: what was last good stays in force, and it is tried again by itself',
  },
  {
    // Of what we have, or the other side has: whoever asks looks which.
    when: /bad config|not a git repository|bad object|corrupt|loose object|packfile|inflate|invalid sha1 pointer|unable to read|object file|broken ref|unable to resolve reference/i,
    code: 'git-failed',
    hint: () => 'it is tried again by itself',
  },
  {
    when: /Host key verification failed|HOST IDENTIFICATION HAS CHANGED|No .* host key is known/,
    code: 'git-host-key',
    words: "the host's key is not the one that is known",
    hint: ({ knownHosts }) =>
      `compare its key with the real one, and put that into ${knownHosts ?? 'known_hosts'} (ssh-keyscan)`,
  },
  {
    when: /UNPROTECTED PRIVATE KEY|Load key .*: (?:Permission denied|invalid format|bad permissions|No such file)/,
    code: 'git-auth',
    words: 'the ssh key cannot be used',
    hint: ({ sshKey }) =>
      `it must be there, without a passphrase, and readable by us alone: chmod 600 ${sshKey ?? 'KEY'}`,
  },
  {
    when: /Permission denied \(|Authentication failed|could not read (?:Username|Password)|returned error: 40[13]|HTTP Basic: Access denied|Invalid username or (?:password|token)/i,
    code: 'git-auth',
    words: 'access was denied',
    hint: ({ tokenFile, sshKey, url }) =>
      tokenFile !== undefined
        ? `has the token in ${tokenFile} expired, and may it read the repository?`
        : /^https?:/i.test(url)
          ? 'set git.tokenFile, or git.credentialHelper'
          : `is ${sshKey ?? 'the key'} allowed to read it? (git.sshKey)`,
  },
  {
    when: /couldn't find remote ref|Remote branch .* not found/,
    code: 'git-unknown-ref',
    hint: ({ ref }) =>
      ref === undefined
        ? 'the repository has no commit yet, or its HEAD points to no branch'
        : `is there a branch or tag '${ref}'? (git.ref)`,
  },
  {
    when: /dubious ownership/,
    code: 'git-owner',
    words: 'it belongs to another user',
    hint: () => 'run as its owner, or as root: then it is read as its owner',
  },
  {
    when: /does not appear to be a git repository|repository .* not found|returned error: 404|[Rr]epository not found|does not exist/,
    code: 'git-no-repository',
    words: 'there is no such repository',
    hint: () => 'look at git.url',
  },
  {
    when: /transport '.*' not allowed|is not a git command|Unable to find remote helper/,
    code: 'git-transport',
    hint: () => 'git.url takes ssh, https, http, git, file and paths',
  },
  {
    when: /resolve host|Connection refused|timed out|Operation too slow|unreachable|No route to host|Failed to connect|Couldn't connect|unable to (?:access|connect)|Connection (?:reset|closed)|early EOF|hung up|unexpected disconnect|returned error: 5\d\d|Could not read from remote|kex_exchange|SSL|certificate/i,
    code: 'git-unreachable',
    hint: () => 'what was last good stays in force, and it is tried again by itself',
  },
];

/** Nothing is wrong with what we have of it: the other side, the way there, or our disk is to blame. */
export function isOutside({ code }: Problem): boolean {
  return code !== 'git-failed';
}
