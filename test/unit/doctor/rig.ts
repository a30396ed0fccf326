import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Config } from '../../../src/config.ts';
import type { Finding } from '../../../src/doctor/finding.ts';
import { type Check, type Means, openMeans } from '../../../src/doctor/means.ts';

/** A setup of a test's own in real folders, as `reconcile` would make them. */
export class Setup implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-doctor-')));
  readonly config: Config = {
    desiredState: join(this.folder, 'desired-state'),
    runtimeDir: join(this.folder, 'run'),
    stateDir: join(this.folder, 'state'),
    logDir: join(this.folder, 'logs'),
    host: 'here',
  };

  constructor() {
    for (const path of [this.config.runtimeDir, this.config.stateDir, this.config.logDir])
      mkdirSync(path, { mode: 0o700 });
    this.write('desired-state/policy.yaml', `owner: doctor-${process.pid}\n`);
    this.service('one', 'supervisor: builtin\ncommand: [sleep, "9"]\n');
    chmodSync(this.folder, 0o755);
  }

  write(path: string, text: string, mode = 0o644): string {
    const whole = join(this.folder, path);
    mkdirSync(dirname(whole), { recursive: true, mode: 0o755 });
    writeFileSync(whole, text, { mode });
    return whole;
  }

  service(name: string, text: string): void {
    this.write(`desired-state/services/${name}.yaml`, text);
  }

  means(more: Partial<Means> & { readonly settings?: Partial<Config> } = {}): Means {
    const { settings, ...means } = more;
    return { ...openMeans({ ...this.config, ...settings }, '0.1.0'), ...means };
  }

  /** What a check finds wrong. */
  async ailing(check: Check, more: Partial<Means> & { readonly settings?: Partial<Config> } = {}): Promise<Finding[]> {
    return troubles(await check.look(this.means(more), new AbortController().signal));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function troubles(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ grade }) => grade !== 'ok');
}

export function brief(findings: readonly Finding[]): string[] {
  return findings.map(({ check, grade, says }) => `${grade} ${check}: ${says}`);
}

export const isRoot = process.getuid?.() === 0;
