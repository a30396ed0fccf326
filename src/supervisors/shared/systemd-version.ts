import { readdirSync } from 'node:fs';

/** The oldest systemd that is supported, and what is written for where there is none to ask: Debian 12's. */
const OLDEST = 252;
/** Where systemd keeps its own library, whose name has its version. */
const FOLDERS = [
  '/usr/lib/systemd',
  '/lib/systemd',
  ...['x86_64', 'aarch64'].map((arch) => `/usr/lib/${arch}-linux-gnu/systemd`),
];

/** The version of this host's systemd, without asking it: a definition must not depend on whether it answers. */
export function installedVersion(): number {
  for (const folder of FOLDERS) {
    for (const name of namesIn(folder)) {
      const version = /^libsystemd-(?:shared|core)-(\d+)/.exec(name)?.[1];
      if (version !== undefined) return Number(version);
    }
  }
  return OLDEST;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
