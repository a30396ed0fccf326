import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAllFiles } from '../../../src/capture/files-of.ts';
import { readLayer } from '../../../src/capture/layers.ts';
import { makeChanges } from '../../../src/capture/make.ts';
import { shownChange } from '../../../src/capture/shown.ts';
import { tryChanges } from '../../../src/capture/trial.ts';
import { readWord } from '../../../src/capture/words.ts';
import { Failure } from '../../../src/problem.ts';
import { folder, put, SLEEP } from '../desired/folder.ts';

const host = 'dolphin';

async function make(root: string, words: readonly string[], { unset = false, layer = '' } = {}) {
  const files = await readAllFiles({ desiredState: root, host });
  const asked = words.map((word) => readWord(word, [...files.subjects.keys()], unset));
  return { asked, ...makeChanges(files, asked, readLayer(layer === '' ? undefined : layer)) };
}

/** The texts of the files that change. */
async function set(root: string, words: readonly string[], options = {}): Promise<Readonly<Record<string, string>>> {
  const { changes } = await make(root, words, options);
  return Object.fromEntries(changes.map(({ path, to }) => [path, to]));
}

async function whyNot(root: string, words: readonly string[], options = {}): Promise<string> {
  try {
    const { changes, asked } = await make(root, words, options);
    const where = { desiredState: root, host, logDir: '/tmp' };
    await tryChanges(
      where,
      changes,
      asked.map(({ shown }) => shown),
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.problems
      .map(({ summary, at, detail, hint }) =>
        [at ? `${at.file}:${at.line}:${at.column} ${summary}` : summary, detail, hint].join('; '),
      )
      .join('\n');
  }
  return 'valid';
}

const WEB = `# ours\n${SLEEP}limits: { openFiles: 100 } # few\nhealth:\n  - { name: api, tcp: { address: "127.0.0.1:1" }, every: 5s }\n`;

describe('what is set', () => {
  it('is as the schema has it: text as typed, numbers, lists of texts, keys', async () => {
    const root = folder({ 'services/web.yaml': WEB });
    const all = await set(root, [
      ...['web.limits.addressSpace=3GiB', 'web.limits.openFiles=4096', 'web.umask=027', 'web.autostart=true'],
      ...[
        'web.environment.PORT=8080',
        'web.environment.NOTE=a # b',
        "web.environment.Q='no'",
        'web.environment.V=1.50',
      ],
      ...['web.command=[sleep, 600, 1.50]', 'web.description="a b"', 'web.group=null2'],
    ]);
    expect(all).toEqual({
      'services/web.yaml': `# ours
supervisor: builtin
command: [sleep, "600", "1.50"]
limits: { openFiles: 4096, addressSpace: 3GiB } # few
health:
  - { name: api, tcp: { address: "127.0.0.1:1" }, every: 5s }
umask: "027"
autostart: true
environment:
  PORT: "8080"
  NOTE: "a # b"
  Q: "no"
  V: "1.50"
description: a b
group: null2
`,
    });
  });

  it('is found by the name or the number of an item, and one more or less of a list is', async () => {
    const root = folder({ 'services/web.yaml': WEB, 'services/db.yaml': SLEEP, 'services/web.eu.yaml': SLEEP });
    const probe = (word: string) =>
      set(root, [word]).then((all) => /every: (\w+)/.exec(all['services/web.yaml'] ?? '')?.[1]);
    expect(await probe('web.health.api.every=1s')).toBe('1s');
    expect(await probe('web.health.0.every=2s')).toBe('2s');
    expect(await probe('web.health[0].every=3s')).toBe('3s');
    expect(await set(root, ['web.start.after+=db'])).toEqual({ 'services/web.yaml': `${WEB}start:\n  after: [db]\n` });
    expect(await set(root, ['web.command+=[1, 2]', 'web.command-=60'])).toEqual({
      'services/web.yaml': WEB.replace('"60"]', '"1", "2"]'),
    });
    const raw = await set(root, ['web.raw.systemd+=[Service, Nice, 5]', 'web.raw.systemd+=[Service, X, 1.50]']);
    expect(raw['services/web.yaml']).toBe(
      `${WEB}raw:\n  systemd:\n    - [Service, Nice, 5]\n    - [Service, X, "1.50"]\n`,
    );
    // The longest name that fits.
    expect(Object.keys(await set(root, ['web.eu.umask=027']))).toEqual(['services/web.eu.yaml']);
    expect(await set(root, ['web.umask=027', 'web.umask=022'])).toEqual({
      'services/web.yaml': `${WEB}umask: "022"\n`,
    });
    expect(await set(root, ['web.limits.openFiles=100'])).toEqual({});
  });

  it('is a field of the policy and of supervisors too', async () => {
    const root = folder({ 'services/web.yaml': SLEEP, 'supervisors/d.yaml': 'config: /etc/d.conf\n' });
    expect(await set(root, ['policy.holds.for=2h', 'policy.mode=observe', 'supervisord/d.log.keep=3'])).toEqual({
      'policy.yaml': 'holds:\n  for: 2h\nmode: observe\n',
      'supervisors/d.yaml': 'config: /etc/d.conf\nlog:\n  keep: 3\n',
    });
  });

  it('is written where it is said for this host, or where one says', async () => {
    const root = folder({
      'hosts/dolphin.yaml': 'labels: [edge]\n',
      'services/web.yaml': WEB,
      'labels/edge/services/web.yaml': 'limits: { core: 0B }\nhealth: null\n',
    });
    const edge = 'labels/edge/services/web.yaml';
    expect(await set(root, ['web.limits.core=1B'])).toEqual({ [edge]: 'limits: { core: 1B }\nhealth: null\n' });
    expect(await set(root, ['web.limits.openFiles=1'])).toHaveProperty('services/web.yaml');
    expect(await set(root, ['web.umask=027'])).toHaveProperty('services/web.yaml');
    expect(await set(root, ['web.umask=027'], { layer: 'host' })).toEqual({
      'hosts/dolphin/services/web.yaml': 'umask: "027"\n',
    });
    expect(await set(root, ['web.umask=027'], { layer: 'label:edge' })).toHaveProperty([edge]);
    // A list is replaced whole.
    expect(await set(root, ['web.command+=1'], { layer: 'host' })).toEqual({
      'hosts/dolphin/services/web.yaml': 'command: [/bin/sleep, "60", "1"]\n',
    });
    const low = await make(root, ['web.limits.core=9B'], { layer: 'base' });
    expect(low.notes).toEqual([`${edge} says web.limits.core otherwise, and that stays in force on this host`]);
    // What lies below comes back, or is deleted for good.
    const less = await make(root, ['web.health'], { unset: true });
    expect(less.notes).toEqual([
      'web.health is what services/web.yaml says then; without that too: reconcile set web.health=null --layer host',
    ]);
    expect(await set(root, ['web.limits.openFiles'], { unset: true, layer: 'host' })).toEqual({
      'hosts/dolphin/services/web.yaml': 'limits:\n  openFiles: null\n',
    });
    put(root, { 'hosts/dolphin/services/web.yaml': 'umask: "027"\n' });
    expect(await whyNot(root, ['web.umask'], { unset: true })).toBe(
      'cannot unset web.umask: nothing would be left in hosts/dolphin/services/web.yaml; ; remove the file: git rm hosts/dolphin/services/web.yaml',
    );
    expect(await whyNot(root, ['web.health.0.every=5s'])).toContain('health has no items');
    expect(await whyNot(root, ['web.umask=null'], { layer: 'base' })).toContain('null deletes in a layer');
  });

  it('keeps line ends, links, and files that are JSON', async () => {
    const root = folder({
      'services/web.yaml': WEB.replaceAll('\n', '\r\n'),
      'services/api.json': '{\n  "supervisor": "builtin",\n  "command": ["/bin/sleep", "60"]\n}',
    });
    expect(await set(root, ['web.umask=027', 'api.umask=027'])).toEqual({
      'services/web.yaml': `${WEB}umask: "027"\n`.replaceAll('\n', '\r\n'),
      'services/api.json': '{\n  "supervisor": "builtin",\n  "command": ["/bin/sleep", "60"],\n  "umask": "027"\n}',
    });
    expect(await whyNot(root, ['web.umask=027', 'api.umask=027'])).toBe('valid');
    expect(lstatSync(join(root, 'services/web.yaml')).isFile()).toBe(true);
    expect(readFileSync(join(root, 'services/web.yaml'), 'utf8')).not.toContain('umask');
  });

  it('mends what is invalid', async () => {
    const root = folder({ 'services/web.yaml': `${SLEEP}umask: 9\nstate: runing\n` });
    expect(await whyNot(root, ['web.umask=027', 'web.state=stopped'])).toBe('valid');
    expect(await whyNot(root, ['web.umask=027'])).toContain('it was so before this edit too');
    put(root, { 'services/web.yaml': `${SLEEP}umsk: 9\n` });
    expect(await set(root, ['web.umsk'], { unset: true })).toEqual({ 'services/web.yaml': SLEEP });
  });
});

describe('what is refused', () => {
  it('is told with what would be right', async () => {
    const root = folder({ 'services/web.yaml': WEB, 'services/many.yaml': `${SLEEP}instances: 2\n` });
    const reasons: Readonly<Record<string, string>> = {
      'wbe.umask=027': "no service is called 'wbe'; ; did you mean 'web.umask'?",
      'web.umsk=027': "cannot find web.umsk: unknown key 'umsk'; ; did you mean 'umask'?",
      'web.limits.core=3GX':
        "services/web.yaml:4:33 limits.core: '3GX' is not a size; as it would be with: web.limits.core=3GX",
      'web.state=runing': "state: can't be 'runing'; as it would be with: web.state=runing; did you mean 'running'?",
      'web.state.x=1': 'state is one value, with no fields',
      'web.timeout=1s': "unknown key 'timeout'; ; did you mean 'start.timeout' or 'stop.timeout'",
      'web.autostart=no': 'autostart: must be true or false, not text',
      'web.command=sleep 5': 'command: must be a list, not text',
      'web.command=[a': 'not YAML at character 3 of the value',
      'web.health.apo.every=1s': "none is called 'apo'; ; did you mean 'api'?",
      'web.health.3.every=1s': 'health has 1 item, counted from 0',
      'web.start.after-=db': 'it is not in web.start.after',
      'web.state+=x': 'state is no list',
      'web.umask=':
        'cannot set web.umask to nothing; ; to remove it: reconcile unset web.umask; for an empty text: web.umask=\'""\'',
      'web.umask': 'cannot set web.umask: to what?',
      web: 'cannot set web itself: which field of it?',
      'many@2.umask=027': 'cannot set many@2 alone',
      'web.limits=null': 'null deletes in a layer what one below says',
      'web.formerly+=web': "formerly: 'web' is its name now",
      'web.start.after+=ng6': "start.after: no service is called 'ng6'",
      '=': "cannot read ''",
    };
    for (const [word, reason] of Object.entries(reasons)) expect(await whyNot(root, [word])).toContain(reason);
    expect(await whyNot(root, ['web.umask=027'], { layer: 'host' })).toContain('there is no hosts/dolphin.yaml');
    expect(await whyNot(root, ['web.umask=027'], { layer: 'label:x' })).toContain('dolphin does not have it');
    expect(await whyNot(root, ['web.umask=027'], { layer: 'x' })).toContain("cannot take 'x' for a layer");
    expect(await whyNot(root, ['web.limits.core'], { unset: true })).toContain('it is not in services/web.yaml');
    expect(await whyNot(root, ['web.umask=3'], { unset: true })).toContain('it takes no value');
  });

  it('is a secret, wherever it would stand, and no other place shows it', async () => {
    const root = folder({ 'services/web.yaml': `${WEB}environment: { DB_PASSWORD: old, A: b }\n` });
    for (const word of [
      'web.environment.API_TOKEN=hunter2',
      'web.environment={ A: c, API_TOKEN: hunter2 }',
      'web.command=[a, --password, hunter2]',
      'web.command+=--password=hunter2',
      'web.health+={ name: x, http: { url: "http://a:hunter2@h/" } }',
      'web.health+={ name: x, http: { url: "http://h/", headers: { Authorization: hunter2 } } }',
    ]) {
      const reason = await whyNot(root, [word]);
      expect(reason).toMatch(
        /^cannot set web\..*: it looks like a secret, and what is in Git once stays there; ; write `/,
      );
      expect(reason).toContain('reconcile set web.environmentFiles+=/etc/web/secrets.env');
      expect(reason).not.toContain('hunter2');
    }
    const { changes } = await make(root, ['web.environment.A=c']);
    expect(JSON.stringify(changes.map(shownChange))).not.toContain('old');
    expect(JSON.stringify(await make(root, ['web.environment.DB_PASSWORD'], { unset: true }))).not.toContain(
      'shown":"old',
    );
  });

  it('is what another host could not do, with its name', async () => {
    const root = folder({
      'hosts/dolphin.yaml': '{}\n',
      'hosts/shark.yaml': '{}\n',
      'services/web.yaml': SLEEP,
      'hosts/shark/services/web.yaml': 'autostart: true\n',
    });
    const reason = await whyNot(root, ['web.state=stopped']);
    expect(reason).toContain('hosts/shark/services/web.yaml:1:1');
    expect(reason).toContain('on host shark');
    expect(await whyNot(root, ['web.state=stopped'], { layer: 'host' })).toBe('valid');
  });
});

/** Fields, what is typed for them, and what they are then. */
const FIELDS = [
  ['limits.addressSpace', '3GiB', '3GiB'],
  ['limits.openFiles', '77', 77],
  ['environment.PORT', '8080', '8080'],
  ['environment.NOTE', "it's #1: {x}", "it's #1: {x}"],
  ['environment.YES', 'yes', 'yes'],
  ['umask', '027', '027'],
  ['description', '- a: b', '- a: b'],
  ['stop.tree', 'false', false],
  ['restart.backoff.factor', '2.5', 2.5],
  ['restart.permanentExitCodes', '[1, 2]', [1, 2]],
  ['command', '[sleep, 5]', ['sleep', '5']],
  ['health.api.every', '9s', undefined],
] as const;

const LINES = fc.shuffledSubarray([
  'limits: { openFiles: 100 }  # few',
  'limits:\n    # many\n    openFiles: 100',
  'environment:\n  PORT: "1"\n\n  NOTE: |\n    two\n    lines',
  '"environment": {PORT: "1",  "YES": "x"}',
  'stop:\n  tree: true   # all of it',
  'umask: 0077',
  'health:\n- name: api\n  tcp: {address: "127.0.0.1:1"}\n  # often\n  every: 5s',
  'health: [ { name: api, tcp: { address: "127.0.0.1:1" } }, ]',
  'restart: {backoff: {initial: 1s}}',
  '# a note',
  '',
]);

it('has the value once it is loaded, whatever the file was like, and every other line is as it was', async () => {
  const root = folder();
  await fc.assert(
    fc.asyncProperty(
      LINES,
      fc.constantFrom(...FIELDS),
      fc.boolean(),
      fc.boolean(),
      async (lines, field, crlf, open) => {
        const seen = new Set<string>();
        const own = lines.filter((line) => {
          const key = line.split(':')[0]?.replaceAll('"', '') ?? '';
          return line === '' || line.startsWith('#') || (!seen.has(key) && seen.add(key));
        });
        const all = ['# head', 'supervisor: builtin', 'command: [/bin/sleep, "60"]', ...own]
          .join('\n')
          .replace('0077', '"077"');
        const text = (open ? all : `${all}\n`).replaceAll('\n', crlf ? '\r\n' : '\n');
        const [name, typed, value] = field;
        if (name.startsWith('health') && !seen.has('health')) return;
        put(root, { 'services/web.yaml': text });
        const { changes } = await make(root, [`web.${name}=${typed}`]);
        const desired = await tryChanges({ desiredState: root, host, logDir: '/tmp' }, changes);
        const written = desired.services[0]?.written as unknown;
        const there = name
          .split('.')
          .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], written);
        expect(there).toEqual(value);
        const now = changes[0]?.to ?? text;
        const gone = text.split(/\r?\n/).filter((line) => !now.split(/\r?\n/).includes(line));
        // One line is another, or those of a text that goes over several.
        expect(gone.length).toBeLessThanOrEqual(name === 'environment.NOTE' ? 3 : 1);
        expect(now.replaceAll('\r\n', '').includes('\r')).toBe(false);
        expect(crlf ? now.replaceAll('\r\n', '').includes('\n') : now.includes('\r')).toBe(false);
      },
    ),
    { numRuns: process.env.RECONCILED_LONG === undefined ? 150 : 3000 },
  );
});
