import { execFile } from 'node:child_process';
import { commandWords } from '../duels/actor.ts';
import { deedsOf } from '../duels/deeds.ts';
import { glance, type Sighting } from '../duels/glance.ts';
import { ownSubject } from '../duels/subjects.ts';
import { touches } from '../duels/touches.ts';
import { whoDid } from '../duels/who.ts';
import { commandsIn } from '../graph/words.ts';
import { namesHere } from '../handover/duels.ts';
import { userText } from '../host/users.ts';
import type { Desired, ServiceId } from '../model.ts';

/** Who is at work on services, as far as anything shows it. */
export interface Witnesses {
  /** Somebody may be at it this very moment. */
  stir(): void;
  /** Who stopped or started these by hand just now, in words; those of whom nothing is known are left out. */
  of(services: readonly ServiceId[], desired: Desired): Promise<ReadonlyMap<ServiceId, string>>;
}

/**
 * ms. To look costs some 5 ms, and a host that is at its wits' end stirs without end: at most a third of the time is for it.
 * Much less would not do: a `systemctl stop` is there for 20 ms, and may begin right after a look.
 */
const AGAIN = 20;
const THIRD = 3;
/** So much is remembered, and for so long (ms): a run may have to wait for the one before. */
const KEEP = 200;
const LONG = 120_000;

export function createWitnesses(): Witnesses {
  const names = namesHere();
  let seen: readonly (Sighting & { readonly at: number })[] = [];
  let next = 0;
  let later: NodeJS.Timeout | undefined;
  const again = () => {
    later = undefined;
    witnesses.stir();
  };
  const witnesses: Witnesses = {
    stir: () => {
      const begun = performance.now();
      if (begun < next) {
        if (later === undefined) later = setTimeout(again, next - begun).unref();
        return;
      }
      const at = Date.now();
      const now = glance().map((sighting) => ({ ...sighting, at }));
      next = begun + Math.max(AGAIN, (performance.now() - begun) * THIRD);
      seen = [...seen.filter((one) => at - one.at < LONG), ...now].slice(-KEEP);
    },
    of: async (services, desired) => {
      if (services.length === 0) return new Map();
      const uids = new Set(
        seen.flatMap(({ job, login }) => [job.process, ...job.parents].map(({ uid }) => uid).concat(login ?? 0)),
      );
      const users = new Map<number, string>();
      for (const uid of uids) users.set(uid, await userText(uid));
      const userOf = (uid: number) => users.get(uid) ?? `uid ${uid}`;
      const found = new Map<ServiceId, string>();
      let told: readonly Told[] | undefined;
      for (const id of services) {
        const service = desired.services.find((one) => one.id === id);
        if (service === undefined) continue;
        const subject = ownSubject(service, desired, names);
        const what = service.state === 'running' || service.state === 'manual' ? 'stopped' : 'started';
        let by = whoDid(what, subject, seen, userOf);
        if (by === undefined) {
          told ??= await sudoTold();
          const one = told.findLast(({ argv }) => deedsOf(argv).some(({ target }) => touches(target, subject, [])));
          by = one === undefined ? undefined : `${one.user} (\`${commandWords(one.argv)}\`, says sudo)`;
        }
        if (by !== undefined) found.set(id, by);
      }
      return found;
    },
  };
  return witnesses;
}

/** What sudo says that it ran, and for whom. */
interface Told {
  readonly user: string;
  readonly argv: readonly string[];
}

/** ms. A journal that is slow to read must hold nothing up. */
const LIMIT = 2000;

/** Of the last two minutes, from the journal; nothing where there is none. */
function sudoTold(): Promise<readonly Told[]> {
  const args = ['--no-pager', '-q', '-o', 'cat', '_COMM=sudo', '--since', '-2min'];
  return new Promise((resolve) => {
    execFile('journalctl', args, { timeout: LIMIT, maxBuffer: 1 << 20 }, (error, stdout) => {
      if (error !== null) return resolve([]);
      resolve(
        stdout.split('\n').flatMap((line): Told[] => {
          const [, user, command] = /^\s*(\S+) : .*\bCOMMAND=(.*)$/.exec(line) ?? [];
          const [first] = command === undefined ? [] : commandsIn(command);
          return user === undefined || first === undefined ? [] : [{ user, argv: first.words }];
        }),
      );
    });
  });
}
