import { readFileSync } from 'node:fs';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
}

/**
 * The users of /etc/passwd, read once. Those of other name services are not in it: they go by their number, for which asking
 * would take as long as all the rest of a look at the host.
 */
export function accounts(): readonly Account[] {
  known ??= read();
  return known;
}

let known: readonly Account[] | undefined;
let names: ReadonlyMap<number, string> | undefined;

function read(): readonly Account[] {
  let text = '';
  try {
    text = readFileSync('/etc/passwd', 'utf8');
  } catch {
    // Numbers will do.
  }
  return text.split('\n').flatMap((line) => {
    const [name, , uid, , , home = ''] = line.split(':');
    return name && uid ? [{ name, uid: Number(uid), home: home || '/' }] : [];
  });
}

/** The first of several names counts. */
export function userOf(uid: number): string | undefined {
  names ??= new Map([...accounts()].reverse().map((account) => [account.uid, account.name]));
  return names.get(uid);
}

export function homeOf(user: string): string | undefined {
  return accounts().find(({ name }) => name === user)?.home;
}
