import type { Daemon } from '../../daemon/daemon.ts';
import type { DaemonEvent } from '../../daemon/event.ts';
import { type Manager, openNotifier } from '../../service/notify.ts';
import { statusLine } from '../../service/status-line.ts';

/** How long (ms) after something happened it is told how all is. */
const SETTLE = 1000;

/** Keeps a service manager informed of a daemon. */
export interface Managed {
  /** What the daemon tells. */
  heard(event: DaemonEvent): void;
  follow(daemon: Daemon): void;
  /** It looks after its services. */
  ready(): void;
  /** Has it read everything anew. */
  reload(): Promise<void>;
  stopping(services: boolean): Promise<void>;
}

/** Under no service manager it says nothing. */
export function managedBy(manager: Manager | undefined, tell: (event: DaemonEvent) => void): Managed {
  let daemon: Daemon | undefined;
  const trouble = (problem: Extract<DaemonEvent, { kind: 'trouble' }>['problem']) => tell({ kind: 'trouble', problem });
  const notifier = manager && openNotifier(manager, () => daemon?.alive() ?? true, trouble);
  let revision: string | undefined;
  let invalid = false;
  let ending = false;
  let timer: NodeJS.Timeout | undefined;
  const say = async () => {
    const status = await daemon?.status();
    if (status !== undefined) notifier?.status(statusLine(status.services, { revision, invalid }));
  };
  const soon = () => {
    if (notifier === undefined) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      // What can't be read is told elsewhere.
      say().catch(() => undefined);
    }, SETTLE);
  };
  return {
    heard: (event) => {
      if (event.kind === 'planned') revision = event.plan.revision;
      else if (event.kind === 'invalid') invalid = true;
      else if (event.kind === 'valid-again') invalid = false;
      if (TELLING.has(event.kind)) soon();
    },
    follow: (started) => {
      daemon = started;
      soon();
    },
    ready: () => notifier?.ready(),
    reload: async () => {
      // One that begins reads everything anyway, and is not ready before.
      if (daemon === undefined || ending) return;
      notifier?.reloading();
      await daemon.reload();
      if (!ending) notifier?.ready();
    },
    stopping: async (services) => {
      ending = true;
      clearTimeout(timer);
      await notifier?.stopping(services ? 'stopping, with its services' : 'stopping; services go on');
      notifier?.close();
    },
  };
}

/** What may change how all is. */
const TELLING: ReadonlySet<DaemonEvent['kind']> = new Set([
  'applied',
  'state',
  'level',
  'invalid',
  'valid-again',
  'held',
]);
