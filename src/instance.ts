import type { ServiceId } from './model.ts';

/** A supervisord of a file supervisors/NAME.yaml, with every default filled. Paths are absolute, sizes in bytes. */
export interface Instance {
  readonly name: string;
  readonly supervisor: `supervisord/${string}`;
  /** The file that declares it, relative to the desired-state directory (`supervisors/dolphin.yaml`). */
  readonly file: string;
  /** Its main configuration file: written by us where it is ours, else only read. */
  readonly config: string;
  /** The folder of our program files, which its configuration includes. */
  readonly include: string;
  /** It may be spoken to through a socket that others can write. */
  readonly allowInsecureSocket: boolean;
  /** Ours: we write its configuration and run it. */
  readonly owned: OwnedInstance | undefined;
}

export interface OwnedInstance {
  /** `mode` is octal (0o700); `owner` is user or user:group, where said. */
  readonly socket: { readonly path: string; readonly mode: number; readonly owner?: string };
  readonly log: { readonly path: string; readonly maxSize: number; readonly keep: number; readonly level: string };
  readonly pidFile: string;
  /** The program: a path, or a name that is looked up in PATH. */
  readonly command: string;
  /** Who it runs as, where not as whoever starts it: user or user:group. */
  readonly user: string | undefined;
  readonly minfds: number;
  readonly minprocs: number;
  /** Run by systemd, and so at boot; `none`: by the embedded supervisor, while a daemon runs. */
  readonly boot: 'systemd' | 'none';
  /** May it be restarted, with all its programs, to make a change of its own settings take effect? */
  readonly changes: 'now' | 'staged';
}

/** The service that runs an instance of ours. */
export function serviceOfInstance(name: string): ServiceId {
  return `supervisord-${name}`;
}
