import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
}

const users = new Map<string, Promise<User | undefined>>();
const groups = new Map<string, Promise<Group | undefined>>();

let own: User | undefined;

/** The user this process runs as; one without a passwd entry has its number for a name. Asked for once. */
export function self(): User {
  own ??= readSelf();
  return own;
}

function readSelf(): User {
  const uid = process.getuid?.() ?? 0;
  try {
    const { username, gid, homedir, shell } = userInfo();
    return { name: username, uid, gid, home: homedir, shell: shell ?? '/bin/sh' };
  } catch {
    return { name: String(uid), uid, gid: process.getgid?.() ?? 0, home: '/', shell: '/bin/sh' };
  }
}

/** A user by name or number, as the host's name services know it (files, LDAP, …). What was found is remembered. */
export function findUser(name: string): Promise<User | undefined> {
  return remember(users, name, async () => {
    const [user, , uid, gid, , home, shell] = (await getent('passwd', name)) ?? [];
    if (user === undefined || uid === undefined || gid === undefined) return undefined;
    return { name: user, uid: Number(uid), gid: Number(gid), home: home || '/', shell: shell || '/bin/sh' };
  });
}

/** What a user is called, for people: its name, or `uid 1000`. Never fails: nothing is to wait for what only words need. */
export async function userText(uid: number): Promise<string> {
  const user = await findUser(String(uid)).catch(() => undefined);
  return user?.name ?? `uid ${uid}`;
}

/** A group by name or number. */
export function findGroup(name: string): Promise<Group | undefined> {
  return remember(groups, name, async () => {
    const [group, , gid] = (await getent('group', name)) ?? [];
    return group === undefined || gid === undefined ? undefined : { name: group, gid: Number(gid) };
  });
}

/** What is missing is asked for again the next time: it may be made meanwhile. */
function remember<T>(cache: Map<string, Promise<T | undefined>>, name: string, ask: () => Promise<T | undefined>) {
  const known = cache.get(name);
  if (known) return known;
  const asked = ask().then((found) => {
    if (found === undefined) cache.delete(name);
    return found;
  });
  cache.set(name, asked);
  return asked;
}

/** The fields of an entry. Node knows no getpwnam(3), and /etc/passwd is not all there is. */
function getent(database: string, key: string): Promise<string[] | undefined> {
  return new Promise((resolve, reject) => {
    // A key may look like an option. 2: no such key.
    execFile('getent', ['--', database, key], (error, stdout) => {
      if (error && error.code !== 2) reject(error);
      else resolve(stdout === '' ? undefined : stdout.split('\n', 1)[0]?.split(':'));
    });
  });
}
