import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { self, type User } from '../../host/users.ts';

/** A user by name or number, at once: texts are made without waiting. What was found is remembered. */
export function accountOf(name: string): User | undefined {
  const own = self();
  if (name === own.name || name === String(own.uid)) return own;
  const known = found.get(name) ?? localAccounts().get(name) ?? ask(name);
  if (known !== undefined) found.set(name, known);
  return known;
}

const found = new Map<string, User>();
/** When the host's name services said that there is no such user: asking takes milliseconds each time. */
const missing = new Map<string, number>();
/** ms. */
const AGAIN = 5000;

let local: { readonly mtime: number; readonly users: ReadonlyMap<string, User> } | undefined;

function localAccounts(): ReadonlyMap<string, User> {
  const mtime = statSync('/etc/passwd', { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (local?.mtime !== mtime) {
    const users = mtime === 0 ? [] : readFileSync('/etc/passwd', 'utf8').split('\n').flatMap(parse);
    // The first entry of a number or name is the one that counts.
    const all = users.reverse().flatMap((user) => [[String(user.uid), user] as const, [user.name, user] as const]);
    local = { mtime, users: new Map(all) };
  }
  return local.users;
}

function ask(name: string): User | undefined {
  if (Date.now() - (missing.get(name) ?? 0) < AGAIN) return undefined;
  try {
    return parse(
      execFileSync('getent', ['--', 'passwd', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )[0];
  } catch {
    missing.set(name, Date.now());
    return undefined;
  }
}

function parse(line: string): User[] {
  const [name, , uid, gid, , home, shell] = line.trimEnd().split(':');
  if (!name || !uid || !gid || !/^[0-9]+$/.test(uid + gid)) return [];
  return [{ name, uid: Number(uid), gid: Number(gid), home: home || '/', shell: shell || '/bin/sh' }];
}
