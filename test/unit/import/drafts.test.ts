import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../../src/canonical.ts';
import { loadYaml, yaml } from '../../../src/desired/yaml.ts';
import { draftsOf } from '../../../src/import/drafts.ts';
import type { Imported, Origin } from '../../../src/import/found.ts';
import { envText } from '../../../src/import/secret-files.ts';
import { freeName, nameFor } from '../../../src/import/service-names.ts';
import { fileText } from '../../../src/import/service-text.ts';

beforeAll(async () => {
  await loadYaml();
});

const UNIT: Origin = { kind: 'unit', unit: 'web.service', path: '/etc/systemd/system/web.service', manager: 'system' };

function found(more: Partial<Imported> = {}): Imported {
  return {
    kind: 'imported',
    origin: UNIT,
    name: 'web',
    service: { supervisor: 'systemd', state: 'running', command: ['/opt/web'] },
    comments: new Map(),
    secrets: {},
    losses: [],
    ...more,
  };
}

const drafts = (...all: readonly Imported[]) =>
  draftsOf(all, { taken: new Set(['taken']), envDir: '/etc/reconciled/env' });

describe('what is written', () => {
  it('supervises nothing, and names what it takes the place of', () => {
    const [draft] = drafts(found());
    expect(draft?.service).toMatchObject({ mode: 'observe', supersedes: [{ unit: 'web.service' }] });
  });

  it('what is managed by its state alone takes the place of nothing', () => {
    const [draft] = drafts(found({ service: { supervisor: 'systemd', unit: 'web.service', state: 'running' } }));
    expect(draft?.service).not.toHaveProperty('supersedes');
  });

  it('each has a name of its own, and what comes after it is called so too', () => {
    const origin: Origin = { kind: 'process', pid: 7, command: ['/opt/web'] };
    const [first, second, third] = drafts(
      found(),
      found({ origin }),
      found({ name: 'taken', service: { ...found().service, start: { after: ['web', 'gone'] } } }),
    );
    expect([first?.name, second?.name, third?.name]).toEqual(['web', 'web-process', 'taken-unit']);
    expect(third?.service.start).toEqual({ after: ['web-process'] });
    expect(third?.losses).toEqual([{ key: 'start.after', value: 'gone', why: 'no service is called so here' }]);
    expect(third?.warnings.join()).toContain("'taken' is another service");
  });

  it('secrets go to a file of their own, which its service reads first', () => {
    const service = { ...found().service, environmentFiles: ['/etc/web.env'] };
    const [draft] = drafts(found({ service, secrets: { API_TOKEN: 's3cr3t' } }));
    expect(draft?.service.environmentFiles).toEqual(['/etc/reconciled/env/web.env', '/etc/web.env']);
    expect(draft?.env).toMatchObject({ path: '/etc/reconciled/env/web.env', keys: ['API_TOKEN'] });
    expect(draft?.env?.text).toContain('\nAPI_TOKEN=s3cr3t\n');
    const { env: _, ...rest } = draft ?? {};
    expect(JSON.stringify(rest)).not.toContain('s3cr3t');
  });

  it('a secret that stands in a command is told', () => {
    const [draft] = drafts(found({ service: { ...found().service, command: ['/opt/web', '--password=hunter2'] } }));
    expect(draft?.warnings.join()).toContain('what looks like a secret');
    expect(draft?.warnings.join()).not.toContain('hunter2');
  });
});

describe('the text of a service file', () => {
  const service = {
    supervisor: 'systemd',
    raw: {
      systemd: [
        ['Service', 'OOMScoreAdjust', '-500'],
        ['Service', 'ExecStartPre', '"/bin/sh" "-c" "a # b"'],
      ],
    },
    environment: { PORT: '8010', EMPTY: '', ODD: 'yes', TEXT: 'it\'s: a # "b"' },
    command: ['/opt/web', '--name', '[ x ]', '*'],
    state: 'running',
    mode: 'observe',
    description: 'the # web: it runs',
  } as const;

  it('has its keys in the order of the schema, with what is to be known above them', () => {
    const comments = new Map([
      ['', 'From here.'],
      ['command', 'Look at this.\nAnd this.'],
    ]);
    const text = fileText(service, comments, ' schema');
    expect(text).toBe(`# schema
# From here.

description: "the # web: it runs"
supervisor: systemd
state: running
mode: observe

# Look at this.
# And this.
command: [/opt/web, --name, "[ x ]", "*"]
environment:
  PORT: "8010"
  EMPTY: ""
  ODD: yes
  TEXT: "it's: a # \\"b\\""

raw:
  systemd:
    - [Service, OOMScoreAdjust, "-500"]
    - [Service, ExecStartPre, '"/bin/sh" "-c" "a # b"']
`);
    expect(yaml().parse(text)).toEqual(service);
  });

  it('says what it is given, whatever that is', () => {
    for (const odd of [
      '[ a ]',
      'a\n b\n',
      '\t',
      '{ x }',
      '- a',
      '? x',
      "' ]",
      '\u0007',
      '\u2028',
      'é💥',
      'null',
      '~',
      '0x1',
      '1_000',
      ' lead',
      'tail ',
      'a: [ b ]',
    ]) {
      const value: Record<string, Json> = {
        supervisor: 'builtin',
        command: [odd, '[ ', ' ]'],
        environment: { A: odd },
      };
      expect(yaml().parse(fileText(value, new Map([['', odd]])))).toEqual(value);
    }
  });
});

describe('environment files', () => {
  it('each supervisor reads the value that it was', () => {
    expect(
      envText('web', { A: 'plain', B: 'two words', C: `"a" $b \\ 'c'` }, 'systemd').text.split('\n').slice(1),
    ).toEqual(['A=plain', 'B="two words"', `C="\\"a\\" \\$b \\\\ 'c'"`, '']);
    expect(envText('web', { B: 'two words', C: ' led', D: '"quoted"' }, 'builtin').text.split('\n').slice(1)).toEqual([
      'B=two words',
      'C=" led"',
      'D=""quoted""',
      '',
    ]);
  });

  it('what none can hold is left, and told', () => {
    expect(envText('web', { A: 'one\ntwo', B: 'x' }, 'builtin').left).toEqual(['A']);
    expect(envText('web', { A: 'one\ntwo' }, 'systemd').left).toEqual([]);
  });
});

it('names are valid, and free', () => {
  expect(['MyApp.service', 'a b', '-x-', 'Ünïcode', '***', `${'x'.repeat(80)}`].map(nameFor)).toEqual([
    'myapp.service',
    'a-b',
    'x',
    'n-code',
    'service',
    'x'.repeat(63),
  ]);
  const taken = new Set(['web', 'web-2', 'x'.repeat(63)]);
  expect(freeName('web', (name) => taken.has(name))).toBe('web-3');
  expect(freeName('x'.repeat(63), (name) => taken.has(name))).toBe(`${'x'.repeat(61)}-2`);
});

it('of several services of one program each takes the place of its process', () => {
  const origin: Origin = {
    ...{ kind: 'program', group: 'pool', program: 'pool', thing: 'pool:0', processes: ['0'] },
    config: '/etc/s.conf',
    at: { file: '/etc/s.conf', line: 1, column: 1, length: 1, excerpt: '' },
  };
  const made = drafts(
    found({ origin, name: 'pool-0' }),
    found({ origin: { ...origin, thing: 'pool:1' }, name: 'pool-1' }),
  );
  expect(made.map(({ service }) => service.supersedes)).toEqual(
    ['pool:0', 'pool:1'].map((program) => [{ program, config: '/etc/s.conf' }]),
  );
});
