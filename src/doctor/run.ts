import { execFile } from 'node:child_process';

/** What a program came to: what it printed, whether it ended well. */
export interface Ran {
  /** Undefined where it was not there, or was ended by a signal. */
  readonly code: number | undefined;
  readonly missing: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program that only looks, for so long (ms) at most. Never throws. */
export function run(
  program: string,
  args: readonly string[],
  {
    signal,
    limit = 5000,
    env,
  }: { readonly signal: AbortSignal; readonly limit?: number; readonly env?: NodeJS.ProcessEnv },
): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { timeout: limit, killSignal: 'SIGKILL', maxBuffer: 1 << 22, signal } as const;
    execFile(program, [...args], { ...options, ...(env === undefined ? {} : { env }) }, (error, stdout, stderr) => {
      const { code } = (error ?? { code: 0 }) as { readonly code?: number | string };
      resolve({ code: typeof code === 'number' ? code : undefined, missing: code === 'ENOENT', stdout, stderr });
    });
  });
}

/** The lines `KEY=VALUE` of an answer. */
export function valuesIn(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );
}
