import type { Config, Written } from '../config.ts';
import type { Problem } from '../problem.ts';
import type { ImportOptions } from './import-options.ts';
import type { Style } from './style.ts';

/** What a command has to work with. Data goes to `out`, notices to `note`. */
export interface Context {
  readonly config: Config;
  readonly style: Style;
  /** Columns of the terminal. */
  readonly width: number;
  readonly out: (text: string) => void;
  readonly note: (text: string) => void;
}

/** The flags of all commands; each reads its own. */
export interface Options extends Written, ImportOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly only?: readonly string[];
  readonly claim?: boolean;
  readonly allowRewind?: boolean;
  /** `--no-wait`. */
  readonly wait?: boolean;
  readonly remove?: boolean;
  readonly restartStaged?: boolean;
  readonly override?: string;
  readonly out?: string;
  readonly file?: string;
  readonly names?: readonly string[];
  readonly live?: boolean;
  readonly stopServices?: boolean;
  readonly commit?: string;
  readonly what?: string;
  readonly restarts?: string;
  readonly for?: string;
  readonly prefix?: string;
  readonly yes?: boolean;
  readonly since?: string;
  readonly limit?: string;
  readonly follow?: boolean;
  readonly range?: string;
  readonly reason?: string;
  readonly until?: string;
  readonly by?: string;
  readonly breaker?: boolean;
  readonly id?: string;
  readonly layer?: string;
  readonly message?: string;
  /** `--commit` of what writes the desired state. */
  readonly record?: boolean;
  /** Of `logs`. */
  readonly lines?: string;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly grep?: string;
  readonly timestamps?: boolean;
  /** `--no-prefix` of logs. */
  readonly bare?: boolean;
  readonly folder?: string;
  readonly schemas?: boolean;
  readonly all?: boolean;
  readonly watch?: boolean;
  readonly force?: boolean;
  readonly tree?: boolean;
  readonly signal?: string;
  readonly wide?: boolean;
  /** Why the tool's own configuration can't be read. */
  readonly ailing?: readonly Problem[];
}

/** A command: its exit code. */
export type Run = (context: Context, options: Options) => Promise<number>;

/** Loads a command and runs it: what the others take is not loaded. */
export type RunLater = (load: () => Promise<Run>, options: Options) => Promise<void>;
