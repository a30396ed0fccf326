import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { writableBy } from '../host/writable.ts';
import { Failure, type Problem, why } from '../problem.ts';
import type { TrustSettings } from '../settings.ts';
import type { Mirror } from './mirror.ts';
import { Refused } from './refused.ts';
import { problemOf } from './run.ts';

/** More commits at once than anybody looks at are not looked at by us either. */
const MOST = 20_000;

/** What git finds of a signature that it does not call good. */
const WORDS: Readonly<Record<string, string>> = {
  N: 'it is not signed',
  B: 'its signature is wrong, or not by a key that is allowed to sign',
  U: 'it is signed by a key that is not among the allowed signers',
  X: 'its signature has expired',
  Y: 'it is signed by a key that has expired',
  R: 'it is signed by a key that was revoked',
  E: 'its signature cannot be checked',
};

/**
 * Checks that all that comes with a commit is signed by who may, and that history only moves forward from the commit that
 * was taken last: the commits in `from..to`, those that a merge brings among them. Of the first commit ever, it alone.
 * By git's own verification, with a configuration of ours. Fails with the commit that is to blame.
 */
export async function verifyTrust(
  mirror: Mirror,
  trust: TrustSettings,
  from: string | undefined,
  to: string,
  allowRewind: boolean,
): Promise<void> {
  if (from === to) return;
  const range = from === undefined ? ['-1', to] : ['--left-right', `${from}...${to}`];
  const seen = (await signatures(mirror, trust, range)) ?? [];
  // What it had is not there any more where the mirror was made anew.
  const left = from !== undefined && (seen.length === 0 || seen.some(({ side }) => side === '<'));
  if (left && !allowRewind) throw new Refused(rewound(from, to));
  const now = seen.filter(({ side }) => side !== '<');
  const all = now.some(({ commit }) => commit === to)
    ? now
    : [...now, ...((await signatures(mirror, trust, ['-1', to])) ?? [])];
  if (!all.some(({ commit }) => commit === to)) throw new Refused(unsigned(to, to, 'E', trust));
  if (seen.length >= MOST)
    throw new Refused({
      code: 'too-many-commits',
      summary: `cannot trust commit ${short(to)}: it brings more than ${MOST} commits at once`,
    });
  // The oldest is what began it.
  const bad = all.findLast(({ status }) => status !== 'G');
  if (bad !== undefined) throw new Refused(unsigned(to, bad.commit, bad.status, trust));
}

interface Signature {
  readonly side: string;
  readonly commit: string;
  readonly status: string;
}

/** What git says of the signatures of commits; undefined where it knows none of them. */
async function signatures(
  mirror: Mirror,
  { signedBy }: TrustSettings,
  range: readonly string[],
): Promise<Signature[] | undefined> {
  const settings = [`gpg.ssh.allowedSignersFile=${signedBy}`, 'gpg.ssh.program=ssh-keygen', 'gpg.program=/bin/false'];
  const shown = ['log', `--max-count=${MOST}`, '--no-color', '--no-show-signature', '--format=tformat:%m %H %G?'];
  const answer = await mirror.ask([...settings.flatMap((one) => ['-c', one]), ...shown, ...range, '--'], {
    silent: 60_000,
  });
  if (answer.kind === 'failed') {
    if (/bad revision|bad object|unknown revision|Invalid symmetric difference/.test(answer.failure.text))
      return undefined;
    throw new Failure(problemOf(answer.failure, mirror.remote));
  }
  return answer.text.split('\n').flatMap((line) => {
    const [, side = '', commit = '', status = ''] = /^([<>]) ([0-9a-f]{40,64}) (\S)$/.exec(line) ?? [];
    return commit === '' ? [] : [{ side, commit, status }];
  });
}

/** Who wants to say what is trusted must be root, or us: what others can write, or a commit can bring along, says nothing. */
export function checkSigners({ signedBy }: TrustSettings, within: readonly string[]): void {
  const problem = (reason: string, hint: string): Failure =>
    new Failure({ code: 'trust-signers', summary: `cannot trust ${signedBy}: ${reason}`, hint });
  try {
    accessSync(signedBy, constants.R_OK);
    const real = realpathSync(signedBy);
    const inside = within.find((folder) => `${real}/`.startsWith(`${realOf(folder)}/`));
    if (inside !== undefined)
      throw problem(
        `it is inside ${inside}, which it is to say the truth about`,
        'keep it elsewhere, as in /etc/reconciled/allowed_signers',
      );
    const open = writableBy(signedBy) ?? writableBy(real);
    if (open !== undefined) throw problem(`others can write ${open}`, `chown root ${open} && chmod go-w ${open}`);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw problem(
      why(error),
      'write a line `NAME namespaces="git" ssh-ed25519 AAAA…` for everybody who may sign (ssh-keygen(1), ALLOWED SIGNERS)',
    );
  }
}

function realOf(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
}

function rewound(from: string, to: string): Problem {
  return {
    code: 'git-rewound',
    summary: `cannot take commit ${short(to)}: it does not come after ${short(from)}, which was taken last: history was rewritten or set back`,
    hint: 'if that is meant: reconcile sync --allow-rewind',
  };
}

function unsigned(to: string, commit: string, status: string, { signedBy }: TrustSettings): Problem {
  const which = commit === to ? '' : `, with commit ${short(commit)} in it`;
  return {
    code: 'git-untrusted',
    summary: `cannot trust commit ${short(to)}${which}: ${WORDS[status] ?? WORDS.E}`,
    hint:
      commit === to
        ? `sign it (git commit --amend -S, gpg.format=ssh) with a key in ${signedBy}`
        : `every commit in it has to be signed with a key in ${signedBy}`,
  };
}

function short(commit: string): string {
  return commit.slice(0, 12);
}
