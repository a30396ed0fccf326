import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '../../src/supervisors/supervisord/config-file.ts';
import { describeWithSupervisord } from '../rig/supervisord/describe.ts';
import { type Again, importedAgain } from '../rig/supervisord/imported.ts';
import { wellConfig } from '../rig/supervisord/well-config.ts';
import { layOut, CONFIGS as READ } from '../unit/supervisors/supervisord/lay-out.ts';

const CONFIGS = new URL('../unit/import/configs/', import.meta.url).pathname;

const ENVIRONMENT = {
  HOME: '/root',
  PATH: '/usr/bin',
  NUMBER: '7',
  FLAG: 'yes',
  EMPTY: '',
  'A B': 'c',
  PERCENT: '%(here)s',
};
const environment = (name: string) => (ENVIRONMENT as Readonly<Record<string, string>>)[name];
const RUNS = process.env.RECONCILED_LONG === '1' ? 5000 : 100;
const SEED = Number(process.env.RECONCILED_SEED ?? Date.now() % 2 ** 31);

/** What is not the same, and why: see docs/import-supervisord.md. */
const LOST: Readonly<Record<string, readonly string[]>> = {
  // It names a supervisord, and theirs is another.
  'comments.conf': ["a:x;y serverurl: 'http://localhost:9001/#top' -> None"],
  'pools.conf': ["told:told serverurl: 'http://localhost:9001' -> None"],
  // They never ran: a comment begins within their quotes, there is no command, and none is asked for.
  'nginx-comment-in-quotes.conf': [],
  'never-start.conf': [
    'empty:empty it was not imported',
    'nginx:nginx it was not imported',
    'shell:shell it was not imported',
  ],
};

class Judge {
  readonly #child: ChildProcessWithoutNullStreams = spawn('/usr/bin/python3', [
    new URL('import-programs.py', import.meta.url).pathname,
  ]);
  readonly #lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  #errors = '';

  constructor() {
    this.#child.stderr.on('data', (data: Buffer) => {
      this.#errors += data;
    });
  }

  async judge(before: string, { main, logs, pairs }: Again): Promise<readonly Verdict[]> {
    const request = { before, after: main, logs, pairs, environment: ENVIRONMENT };
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the judge ended: ${this.#errors}`);
    const answer = JSON.parse(value);
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }

  stop(): void {
    this.#child.kill();
  }
}

interface Verdict {
  readonly process: readonly [group: string, name: string];
  readonly differs: readonly string[];
}

describeWithSupervisord('what is imported', () => {
  let folder: string;
  let judge: Judge;
  const made: { readonly name: string; readonly own: boolean; readonly processes: number; readonly differs: number }[] =
    [];
  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-import-')));
    judge = new Judge();
  });
  afterAll(() => {
    judge.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const all = [READ, CONFIGS].flatMap((from) =>
    readdirSync(from)
      .filter((name) => !name.startsWith('refused-'))
      .map((name) => [name, join(from, name)] as const),
  );
  it.each(all)('means the same to supervisord when it is made again: %s', async (name, file) => {
    const path = layOut(join(folder, `${made.length}`, 'before'), readFileSync(file, 'utf8'));
    const again = await importedAgain(path, dirname(dirname(path)), ENVIRONMENT);
    const verdicts = again.main === '' ? [] : await judge.judge(path, again);
    const differs = verdicts.flatMap((one) => one.differs.map((what) => `${one.process.join(':')} ${what}`));
    made.push({ name, own: file.startsWith(CONFIGS), processes: verdicts.length, differs: differs.length });
    expect(differs).toEqual(LOST[name] ?? []);
  });

  it('means the same in all but what is named here', () => {
    for (const own of [true, false]) {
      const some = made.filter((one) => one.own === own && one.processes > 0);
      const same = some.filter(({ differs }) => differs === 0);
      const processes = some.reduce((sum, one) => sum + one.processes, 0);
      const differ = some.reduce((sum, one) => sum + one.differs, 0);
      const of = own ? 'written for it' : 'of those it is read with';
      process.stdout.write(
        `  ${same.length} of ${some.length} configurations ${of} without loss, ${processes - differ} of ${processes} processes\n`,
      );
      expect(some.length).toBeGreaterThan(own ? 40 : 20);
    }
  });

  it(`means the same to supervisord when it is made again, whatever it says (seed ${SEED})`, async () => {
    let [programs, count] = [0, 0];
    await fc.assert(
      fc.asyncProperty(wellConfig, async (text) => {
        count += 1;
        const here = join(folder, `any-${count}`);
        const path = layOut(join(here, 'before'), text);
        expect(readConfig(path, { environment }).problems).toEqual([]);
        const again = await importedAgain(path, here, ENVIRONMENT);
        const verdicts = await judge.judge(path, again);
        expect(verdicts.filter(({ differs }) => differs.length > 0)).toEqual([]);
        programs += verdicts.length;
        rmSync(here, { recursive: true });
      }),
      { seed: SEED, numRuns: RUNS },
    );
    process.stdout.write(`  ${programs} processes of ${RUNS} configurations are the same\n`);
  }, 900_000);
});
