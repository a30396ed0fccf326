import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { ServiceId } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { BusError } from '../shared/bus-error.ts';
import type { Settings } from '../shared/settings.ts';
import type { ScopeMaker } from './scope-maker.ts';

/** What a shim waits for before it becomes the command. */
export interface Placed {
  /** The hard limit of open files that services have on this host, where it is known. */
  readonly openFiles?: number | undefined;
}

/**
 * Control groups of their own for services, so that none is counted, limited or ended together with the daemon: where
 * that is a service of the host's systemd, everything it starts would be a part of it.
 */
export interface Scopes {
  /**
   * What moves a new process of a service into a scope of its own. It never fails and never takes long: where systemd
   * does not answer, the service is to start where it is.
   */
  for(id: ServiceId, settings: Settings): (pid: number) => Promise<Placed>;
  /** Connects ahead of the first start, which is then not to wait for it. */
  warm(): void;
  close(): void;
}

/** How long (ms) a start waits for its scope while systemd answers nobody. */
const PATIENCE = 2000;
const LOOK = 100;
/** How long (ms) nothing is asked of a bus that has failed. */
const REST = 30_000;

/** Scopes where this process is a service of the host's systemd, as root; else undefined: nothing is to be parted. */
export function openScopes(tell: (problem: Problem) => void): Scopes | undefined {
  return process.getuid?.() === 0 && existsSync('/run/systemd/system') && isService(ownGroups())
    ? createScopes(async () => (await import('./scope-maker.ts')).openScopeMaker(), tell)
    : undefined;
}

/** Do these lines of /proc/PID/cgroup say that systemd runs it as a service? */
export function isService(groups: string): boolean {
  const lines = groups.split('\n').map((line) => line.replace(/^\d+:/, ''));
  const line =
    lines.find((line) => line.startsWith('name=systemd:')) ?? lines.find((line) => line.startsWith(':')) ?? '';
  return line.endsWith('.service');
}

function ownGroups(): string {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    return '';
  }
}

/** `open` connects to systemd; it is called when it is needed, again after a failure. */
export function createScopes(open: () => Promise<ScopeMaker>, tell: (problem: Problem) => void): Scopes {
  let maker: Promise<ScopeMaker> | undefined;
  let rested = 0;
  /** That systemd gave: many starts at once take their time, each in its turn. */
  let answers = 0;
  let told = false;
  let closed = false;
  const failed = (error: unknown) => {
    // Of this one alone, where systemd has said no.
    if (!(error instanceof BusError) || error.failure.kind !== 'answered') {
      rested = performance.now() + REST;
      maker?.then((made) => made.close()).catch(() => undefined);
      maker = undefined;
    }
    if (told || closed) return;
    told = true;
    tell(notParted(error));
  };
  const place = async (id: ServiceId, pid: number, settings: Settings): Promise<Placed> => {
    maker ??= open();
    const asked = maker;
    let made = await asked;
    if (!made.alive()) {
      // The bus was restarted since: all who find it so share one new connection.
      if (maker === asked) maker = open();
      made = await (maker ?? asked);
    }
    await made.make(id, pid, {
      signal: constants.signals[settings.stop.signal],
      timeout: settings.rules.stopTimeout,
    });
    answers += 1;
    told = false;
    return { openFiles: made.openFiles };
  };
  return {
    for: (id, settings) => async (pid) => {
      if (closed || performance.now() < rested) return {};
      let timer: NodeJS.Timeout | undefined;
      let seen = answers;
      let looks = 0;
      const late = new Promise<never>((_, reject) => {
        // By looks and not by the clock: while we are busy ourselves, no answer is heard.
        const look = () => {
          looks = answers === seen ? looks + 1 : 0;
          seen = answers;
          if (looks * LOOK <= PATIENCE) timer = setTimeout(look, LOOK);
          else reject(new Error(`systemd did not answer within ${PATIENCE / 1000}s`));
        };
        look();
      });
      try {
        return await Promise.race([place(id, pid, settings), late]);
      } catch (error) {
        // What has ended at once needs no place.
        if (existsSync(`/proc/${pid}`)) failed(error);
        return {};
      } finally {
        clearTimeout(timer);
      }
    },
    warm: () => {
      maker ??= open();
      maker.catch(failed);
    },
    close: () => {
      closed = true;
      maker?.then((made) => made.close()).catch(() => undefined);
    },
  };
}

function notParted(error: unknown): Problem {
  const because = error instanceof Error ? error.message : String(error);
  return {
    code: 'no-scope',
    summary: `cannot give services control groups of their own: ${because}`,
    hint: "they are started in the daemon's own, and share its limits until their next start; look at `systemctl status dbus`",
  };
}
