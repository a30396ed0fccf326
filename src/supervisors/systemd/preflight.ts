import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Definition, HostFile, Service } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import { check } from '../shared/check.ts';
import { settingsOf } from '../shared/settings.ts';
import { type Observer, problemOf } from './sight.ts';

/** ms. It takes a tenth of a second for hundreds. */
const LIMIT = 60_000;

export interface Preflight {
  /** Can it be started here? */
  check(service: Service, definition: Definition): Promise<Problem | undefined>;
  /** Would systemd take its unit file as it is meant? */
  judge(service: Service, definition: Definition): Promise<Problem | undefined>;
}

export function createPreflight(
  observer: Pick<Observer, 'scope'> & { readonly manager: () => Promise<Observer['manager']> },
  logDir: string,
): Preflight {
  const verify = createVerifier(observer.scope);
  return {
    check: async (service, { fields }) => {
      const { unit } = service.written;
      if (unit === undefined) return check(service, settingsOf(service.id, fields, logDir), logDir);
      try {
        const manager = await observer.manager();
        const { load, loadError } = await manager.unit(unit);
        // A masked one is unmasked first.
        if (load === 'loaded' || load === 'masked') return undefined;
        const because =
          load === 'not-found' ? `there is no unit ${unit}` : `systemd can't load ${unit}: ${loadError ?? load}`;
        return cannotStart(service, because, 'install the package that brings it, or correct `unit`');
      } catch (error) {
        return problemOf(error);
      }
    },
    judge: async (service, { files = [] }) => {
      const [unit] = files.filter(({ path }) => path.endsWith('.service'));
      if (unit === undefined) return undefined;
      const said = await verify(unit);
      if (said === undefined) return undefined;
      return {
        code: 'bad-definition',
        summary: `cannot use ${service.id}: systemd would not take its unit as it is meant: ${said}`,
        file: service.file,
        field: 'raw.systemd',
        hint: 'correct what `raw.systemd` says; nothing was written',
      };
    },
  };
}

function cannotStart(service: Service, because: string, hint: string): Problem {
  const summary = `cannot start ${service.id}: ${because}`;
  return { code: 'cannot-start', summary, file: service.file, field: 'unit', hint };
}

/**
 * What `systemd-analyze verify` says of a unit file; undefined where that is nothing, or where the program is not there
 * to ask. All that are asked about in one turn of the event loop go in one call.
 */
function createVerifier(scope: Observer['scope']): (file: HostFile) => Promise<string | undefined> {
  let batch: { readonly files: Map<string, HostFile>; readonly said: Promise<ReadonlyMap<string, string>> } | undefined;
  const open = () => {
    const files = new Map<string, HostFile>();
    const said = new Promise<ReadonlyMap<string, string>>((resolve) => {
      setImmediate(() => {
        batch = undefined;
        verifyAll(scope, [...files.values()]).then(resolve, (error) => {
          const text = `it could not be checked: ${why(error)}`;
          resolve(new Map([...files.keys()].map((name) => [name, text])));
        });
      });
    });
    return { files, said };
  };
  return async (file) => {
    batch ??= open();
    const name = basename(file.path);
    batch.files.set(name, file);
    return (await batch.said).get(name);
  };
}

async function verifyAll(scope: Observer['scope'], files: readonly HostFile[]): Promise<ReadonlyMap<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'reconciled-verify-'));
  try {
    const paths = files.map(({ path, text }) => {
      const copy = join(folder, basename(path));
      writeFileSync(copy, text, { mode: 0o600 });
      return copy;
    });
    const output = await run([
      'verify',
      '--man=no',
      '--recursive-errors=no',
      ...(scope === 'user' ? ['--user'] : []),
      ...paths,
    ]);
    const said = new Map<string, string>();
    for (const line of output.split('\n')) {
      const of = files.find(({ path }) => line.includes(basename(path)) || line.includes(asInstance(basename(path))));
      if (of === undefined || isToldElsewhere(line, of) || said.has(basename(of.path))) continue;
      said.set(basename(of.path), line.replaceAll(`${folder}/`, '').trim());
    }
    return said;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is old and works, or what systemd itself corrects: it is taken as it is meant. */
const TAKEN = /will (eventually )?be removed|automatically updating to|update the unit file accordingly/;

/** Of its missing program the check of a service tells, with what to do; of those that `raw` names nobody else does. */
function isToldElsewhere(line: string, { text }: HostFile): boolean {
  if (TAKEN.test(line)) return true;
  const [, program] = /Command (.*) is not executable: /.exec(line) ?? [];
  if (program === undefined) return false;
  return text.split('\n').some((own) => own.startsWith('ExecStart="') && own.includes(program));
}

/** A template is judged by an instance that systemd makes up. */
function asInstance(unit: string): string {
  return unit.replace('@.', '@test-instance.');
}

function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('systemd-analyze', [...args], { timeout: LIMIT, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      const { code } = (error ?? {}) as NodeJS.ErrnoException;
      if (code === 'ENOENT') resolve('');
      else if (error?.killed) reject(new Error('systemd-analyze did not answer in time'));
      else resolve(`${stdout}${stderr}`);
    });
  });
}
