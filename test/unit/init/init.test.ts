import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PLAIN } from '../../../src/cli/style.ts';
import { initJson, initText } from '../../../src/cli/views/init.ts';
import { ownerOf, planInit, planSchemas, writeFirst } from '../../../src/init/init.ts';
import { commandWord } from '../../../src/init/next.ts';
import { staleSchemas } from '../../../src/init/schemas.ts';
import { Failure } from '../../../src/problem.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-init-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const failure = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return error.problems.map(({ summary }) => summary).join('\n');
    throw error;
  }
  throw new Error('it did not fail');
};
const read = (path: string) => readFileSync(join(folder, path), 'utf8');

describe('a first desired state', () => {
  it('is written once; a second time there is nothing to write', () => {
    writeFirst(folder, planInit(folder));
    expect(planInit(folder).map(({ what }) => what)).toEqual(planInit(folder).map(() => 'same'));
    expect(statSync(join(folder, 'ci/check.sh')).mode & 0o111).not.toBe(0);
    expect(statSync(join(folder, 'desired-state/policy.yaml')).mode & 0o022).toBe(0);
  });

  it('replaces nothing: what is there beside it stays, and is said to', () => {
    writeFileSync(join(folder, 'README.md'), 'mine\n');
    const plan = planInit(folder);
    expect(plan.filter(({ what }) => what === 'kept').map(({ path }) => path)).toEqual(['README.md']);
    writeFirst(folder, plan);
    expect(read('README.md')).toBe('mine\n');
  });

  it('is refused where there is a desired state, and then nothing is written', () => {
    mkdirSync(join(folder, 'desired-state/services'), { recursive: true });
    writeFileSync(join(folder, 'desired-state/services/web.yaml'), 'supervisor: builtin\n');
    expect(failure(() => planInit(folder))).toBe(
      `cannot make a first desired state in ${folder}: there is one already (desired-state/services/web.yaml)`,
    );
    writeFileSync(join(folder, 'file'), '');
    expect(failure(() => planInit(join(folder, 'file/below')))).toContain('is not a directory');
    rmSync(join(folder, 'desired-state'), { recursive: true });
    writeFileSync(join(folder, 'desired-state'), '');
    expect(failure(() => planInit(folder))).toContain('there is one already (desired-state)');
  });

  it('is finished where it was interrupted', () => {
    writeFirst(folder, planInit(folder).slice(0, 2));
    expect(planInit(folder).filter(({ what }) => what === 'same')).toHaveLength(2);
  });

  it.runIf(process.getuid?.() === 0)('is refused to root where others could write it', () => {
    chmodSync(folder, 0o777);
    expect(failure(() => planInit(folder))).toContain(`others can write ${folder}`);
    // What is made in a sticky folder is its maker's alone.
    chmodSync(folder, 0o1777);
    expect(() => planInit(join(folder, 'ops'))).not.toThrow();
  });

  it('fits its own schemas, and names those beside it', () => {
    writeFirst(folder, planInit(folder));
    for (const [file, name] of [
      ['services/hello', 'service'],
      ['policy', 'policy'],
    ]) {
      const text = read(`desired-state/${file}.yaml`);
      const path = /^# yaml-language-server: \$schema=(.*)$/m.exec(text)?.[1] ?? '';
      const schema = JSON.parse(read(join('desired-state', file === 'policy' ? '' : 'services', path)));
      expect(schema.$id).toBe(`${name}.schema.json`);
      expect(new Ajv2020({ strict: false, validateFormats: false }).validate(schema, parse(text))).toBe(true);
    }
  });

  it('has editor settings whose schemas are there, and a workflow that is YAML', () => {
    writeFirst(folder, planInit(folder));
    const schemas = JSON.parse(read('.vscode/settings.json'))['yaml.schemas'] as Record<string, string[]>;
    expect(Object.keys(schemas)).toHaveLength(4);
    for (const path of Object.keys(schemas)) expect(JSON.parse(read(path)).type).toBe('object');
    const workflow = parse(read('.github/workflows/desired-state.yaml'));
    const runs = workflow.jobs.check.steps.flatMap(({ run }: { run?: string }) => run ?? []);
    expect(runs.join('\n')).toContain('ci/check.sh "$SINCE"');
  });

  it('has an owner of the folder’s name, as far as one can be called so', () => {
    expect(['/srv/Ops', '/a/My Hosts!', '/', '/x/--', `/${'a'.repeat(99)}`].map(ownerOf)).toEqual([
      ...['ops', 'my-hosts', 'default', 'default'],
      'a'.repeat(63),
    ]);
  });
});

describe('the schemas beside a desired state', () => {
  it('are stale where they are of another version, and are renewed', () => {
    expect(staleSchemas(join(folder, 'schemas'))).toEqual([]);
    writeFirst(folder, planInit(folder));
    expect(staleSchemas(join(folder, 'schemas'))).toEqual([]);
    writeFileSync(join(folder, 'schemas/host.schema.json'), '{ "$id": "host.schema.json" }\n');
    rmSync(join(folder, 'schemas/policy.schema.json'));
    expect(staleSchemas(join(folder, 'schemas'))).toEqual(['host.schema.json', 'policy.schema.json']);
    const plan = planSchemas(folder);
    expect(plan.map(({ what }) => what)).toEqual(['renewed', 'written', 'same', 'same']);
    writeFirst(folder, plan);
    expect(staleSchemas(join(folder, 'schemas'))).toEqual([]);
  });

  it('are not written over what is no schema of ours', () => {
    mkdirSync(join(folder, 'schemas'));
    writeFileSync(join(folder, 'schemas/host.schema.json'), '{ "$id": "https://example.org/host" }\n');
    expect(failure(() => planSchemas(folder))).toContain("it is no schema of reconcile's");
  });
});

describe('what to do next', () => {
  it('calls the program by its name only where a shell finds it by that', () => {
    const own = join(folder, 'dist/reconcile');
    mkdirSync(join(folder, 'dist'));
    writeFileSync(own, '');
    expect(commandWord({ PATH: '/usr/bin' }, own)).toBe(own);
    expect(commandWord({ PATH: `/usr/bin:${join(folder, 'dist')}` }, own)).toBe('reconcile');
    expect(commandWord({ PATH: `${folder}/node_modules/.bin` }, own)).toBe(own);
    expect(commandWord({}, "/it's/reconcile")).toBe("'/it'\\''s/reconcile'");
  });

  it('is told to people and programs alike', () => {
    const begun = {
      folder: '/srv/ops',
      done: true,
      files: [
        { path: 'a.yaml', what: 'written' as const },
        { path: 'b.yaml', what: 'kept' as const },
        { path: 'c.yaml', what: 'renewed' as const },
      ],
      next: [
        { command: 'cd ops', what: '' },
        { command: 'reconcile', what: 'does it' },
      ],
    };
    expect(initText(begun, PLAIN)).toBe(`Wrote to /srv/ops:
  + a.yaml
    b.yaml  is another one, and stays as it is
  ~ c.yaml

Next:
  cd ops
  reconcile  # does it
`);
    expect(initJson(begun)).toEqual({ ...begun });
    expect(initText({ ...begun, done: false, next: [] }, PLAIN)).toMatch(/^Would write to \/srv\/ops:\n/);
    expect(initText({ ...begun, files: [], next: [] }, PLAIN)).toBe('Nothing to write in /srv/ops:\n');
  });
});
