const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'ksh', 'mksh', 'zsh', 'busybox']);

export function isShell(name: string): boolean {
  return SHELLS.has(name);
}

export function isInterpreter(name: string): boolean {
  return /^(python|pypy|perl|ruby)[0-9.]*$/.test(name) || isShell(name);
}

/** The text that a shell is given with -c (`-lc`, `-ec` …). */
export function textOf(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
  if (at === -1 || args.slice(0, at).some((arg) => !arg.startsWith('-'))) return undefined;
  return args.slice(at + 1).find((arg) => !/^[-+]/.test(arg));
}

export function baseOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}
