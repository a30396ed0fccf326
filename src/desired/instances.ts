import { join, resolve } from 'node:path';
import type { Instance, OwnedInstance } from '../instance.ts';
import { parseSize } from '../units.ts';
import type { SupervisorFile } from './generated/supervisor.ts';

/** Where things are of which a supervisors/ file does not say it. */
export interface Places {
  /** What runs is root's: else a user's. */
  readonly root: boolean;
  /** The folder of what lives until the next boot: /run, or $XDG_RUNTIME_DIR. */
  readonly runtime: string;
  /** The folder of default logs. */
  readonly logDir: string;
}

/** The folder of what lives until the next boot: root's, or that of the user we are. */
export function runtimeFolder(): string {
  const uid = process.getuid?.() ?? 0;
  // An empty variable is as good as none.
  return uid === 0 ? '/run' : process.env.XDG_RUNTIME_DIR || `/run/user/${uid}`;
}

/** What was made of a declaration before: a daemon loads the same ones again and again. */
const known = new WeakMap<SupervisorFile, Map<string, Instance>>();

/** The instance that a file declares, every default filled. The same declaration gives the same object. */
export function instanceOf(name: string, file: string, written: SupervisorFile, places: Places): Instance {
  const made = known.get(written) ?? new Map<string, Instance>();
  known.set(written, made);
  const key = JSON.stringify([name, file, places]);
  const instance = made.get(key) ?? instanceAnew(name, file, written, places);
  made.set(key, instance);
  return instance;
}

function instanceAnew(name: string, file: string, written: SupervisorFile, places: Places): Instance {
  const config = resolve(written.config);
  return {
    name,
    supervisor: `supervisord/${name}`,
    file,
    config,
    include: resolve(written.include ?? `${config.replace(/\.conf$/, '')}.d`),
    allowInsecureSocket: written.allowInsecureSocket ?? false,
    owned: written.owned === false ? undefined : ownedOf(name, written, places),
  };
}

function ownedOf(name: string, written: SupervisorFile, { root, runtime, logDir }: Places): OwnedInstance {
  const { socket = {}, log = {}, user } = written;
  const path = resolve(socket.path ?? join(runtime, `supervisord-${name}`, 'supervisor.sock'));
  // The folder of default logs is root's alone.
  const ownLog = root && user !== undefined && !/^(root|0)(:|$)/.test(user);
  const logs = ownLog
    ? join('/var/log', `supervisord-${name}`, 'supervisord.log')
    : join(logDir, `supervisord-${name}.log`);
  return {
    socket: {
      path,
      mode: Number.parseInt(socket.mode ?? '0700', 8),
      ...(socket.owner === undefined ? {} : { owner: socket.owner }),
    },
    log: {
      path: resolve(log.path ?? logs),
      maxSize: parseSize(log.maxSize ?? '50MB') ?? 0,
      keep: log.keep ?? 10,
      level: log.level ?? 'info',
    },
    pidFile: resolve(written.pid ?? join(path, '..', 'supervisord.pid')),
    command: written.command ?? 'supervisord',
    user,
    minfds: written.minfds ?? 1024,
    minprocs: written.minprocs ?? 200,
    boot: written.boot ?? 'systemd',
    changes: written.changes ?? 'staged',
  };
}
