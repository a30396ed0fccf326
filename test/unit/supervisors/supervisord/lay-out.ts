import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readConfig, type SupervisordConfig } from '../../../../src/supervisors/supervisord/config-file.ts';
import type { Process } from '../../../../src/supervisors/supervisord/programs.ts';

export const CONFIGS = new URL('configs/', import.meta.url).pathname;

const ENVIRONMENT: Readonly<Record<string, string>> = { HOME: '/root', PATH: '/usr/bin', NUMBER: '7', FLAG: 'yes' };

/** Writes a configuration, and behind lines `=== PATH` what it includes, into a folder; the path of its main file. */
export function layOut(folder: string, text: string): string {
  const path = join(folder, 'supervisord.conf');
  const [main = '', ...included] = text.split(/^=== (?=.+\n)/m);
  const files = included.map((each): [string, string] => {
    const end = each.indexOf('\n');
    return [join(folder, each.slice(0, end)), each.slice(end + 1)];
  });
  for (const [file, content] of [[path, main] as const, ...files]) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return path;
}

export function temporary(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-config-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Of a text, or of a file of configs/. */
export function readText(text: string, folder = temporary()): SupervisordConfig {
  return readConfig(layOut(folder, text), { environment: (name) => ENVIRONMENT[name] });
}

export function readNamed(name: string, folder = temporary()): SupervisordConfig {
  return readText(readFileSync(join(CONFIGS, name), 'utf8'), folder);
}

/** All processes by GROUP:NAME. */
export function processesOf(config: SupervisordConfig): Readonly<Record<string, Process>> {
  return Object.fromEntries(
    config.groups.flatMap((group) =>
      group.programs.flatMap(({ processes }) => processes.map((each) => [`${group.name}:${each.name}`, each])),
    ),
  );
}
