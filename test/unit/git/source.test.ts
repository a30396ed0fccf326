import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCommits } from '../../../src/git/commits.ts';
import { isExported, putTreeInForce, treeFolder, treeInForce } from '../../../src/git/export.ts';
import { sourceNotes } from '../../../src/git/notes.ts';
import { readSeen, readTaken } from '../../../src/git/remember.ts';
import { mirrorOf, type Place, type Remote } from '../../../src/git/remote.ts';
import { treeOf } from '../../../src/git/settings.ts';
import { type Refreshed, type RefreshOptions, refresh } from '../../../src/git/source.ts';
import { remoteOfSettings } from '../../../src/git/worktree.ts';
import type { Desired } from '../../../src/model.ts';
import { makeKey, type SshKey, signer } from '../../rig/git/keys.ts';
import { createRepository, type Repository } from '../../rig/git/repository.ts';

let folder: string;
let repository: Repository;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-git-'));
  repository = createRepository(join(folder, 'ops.git'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function placeOf(extra: Partial<NonNullable<Place['git']>> = {}, trust?: Place['trust']): Place {
  const git = { url: repository.folder, path: 'ds', poll: 1000, ...extra };
  const stateDir = join(folder, 'state');
  return { git, stateDir, desiredState: treeOf(stateDir, git), ...(trust === undefined ? {} : { trust }) };
}
const remoteOf = (place: Place) => remoteOfSettings(place) as Remote;
const look = (place: Place, options: RefreshOptions = {}) => refresh(place, remoteOf(place), options);
const taken = (place: Place) => readTaken(place.stateDir, place.desiredState)?.commit;
const codeOf = (result: Refreshed) => (result.kind === 'taken' ? 'taken' : result.problem.code);
const SERVICE = { 'ds/services/web.yaml': 'supervisor: builtin\ncommand: [sleep, "1"]\n' };

test('a commit is taken: its tree is there whole, with programs and links, and it is remembered', async () => {
  const commit = repository.commit({
    ...SERVICE,
    'ds/bin/run': { program: '#!/bin/sh\n' },
    'ds/bin/link': { link: '../services/web.yaml' },
    other: 'not of the folder',
  });
  repository.push(commit);
  const place = placeOf();
  expect(await look(place)).toMatchObject({ kind: 'taken', from: undefined, rewritten: false, commit: { commit } });
  const tree = treeFolder(remoteOf(place), commit);
  expect(readdirSync(tree).sort()).toEqual(['bin', 'services']);
  expect(statSync(join(tree, 'bin/run')).mode & 0o111).not.toBe(0);
  expect(readFileSync(join(tree, 'bin/link'), 'utf8')).toContain('builtin');
  expect(taken(place)).toBe(commit);
  // Nothing was in force before it.
  expect(treeInForce(remoteOf(place))).toBe(commit);
});

test('a later commit is taken when it is there, and not put in force by that', async () => {
  const first = repository.commit(SERVICE);
  repository.push(first);
  const place = placeOf();
  await look(place);
  expect(await look(place)).toMatchObject({ kind: 'taken', from: first, commit: { commit: first } });
  const second = repository.commit({ ...SERVICE, 'ds/policy.yaml': 'owner: a\n' }, { parents: [first] });
  repository.push(second);
  expect(await look(place)).toMatchObject({ kind: 'taken', from: first, rewritten: false, commit: { commit: second } });
  expect(treeInForce(remoteOf(place))).toBe(first);
  putTreeInForce(remoteOf(place), second);
  expect(treeInForce(remoteOf(place))).toBe(second);
});

test('history without files is fetched, and of files only what is needed', async () => {
  const first = repository.commit({ ...SERVICE, 'big/old': 'x'.repeat(5000) });
  const second = repository.commit({ ...SERVICE, 'big/new': 'y'.repeat(5000) }, { parents: [first] });
  repository.push(second);
  const place = placeOf({ url: `file://${repository.folder}` });
  await look(place);
  await using objects = (
    await import('../../../src/git/mirror.ts').then(({ openMirror }) => openMirror(remoteOf(place)))
  ).objects();
  expect((await objects.one(first)).kind).toBe('commit');
  expect((await objects.one(`${second}:ds/services/web.yaml`)).kind).toBe('blob');
  expect((await objects.one(`${second}:big/new`)).kind).toBe('missing');
});

test('a server that filters nothing and gives nothing by name will do', async () => {
  const plain = createRepository(join(folder, 'plain.git'), { filter: false });
  const commit = plain.commit(SERVICE);
  plain.push(commit);
  const place = placeOf({ url: `file://${plain.folder}` });
  expect(await look(place)).toMatchObject({ kind: 'taken', commit: { commit } });
});

describe('what is refused changes nothing and names what is wrong', () => {
  const cases: readonly (readonly [string, Parameters<Repository['commit']>[0], string, string])[] = [
    ['a submodule', { 'ds/lib': { submodule: '1'.repeat(40) } }, 'git-submodule', 'lib'],
    [
      'a pointer of LFS',
      { 'ds/big.bin': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n' },
      'git-lfs',
      'big.bin',
    ],
    ['a link out of it', { 'ds/a/out': { link: '../../x' } }, 'git-link', 'a/out'],
    ['an absolute link', { 'ds/etc': { link: '/etc' } }, 'git-link', 'etc'],
    ['a link that turns back', { 'ds/a/b': { link: 'c/../..' } }, 'git-link', 'a/b'],
    ['a large file', { 'ds/large': 'x'.repeat((1 << 20) + 1) }, 'file-too-large', 'large'],
    ['no such folder', { other: 'x' }, 'git-no-folder', 'ds'],
    ['a file for a folder', { ds: 'x' }, 'git-no-folder', 'ds'],
  ];
  test.each(cases)('%s', async (_, files, code, named) => {
    const first = repository.commit(SERVICE);
    repository.push(first);
    const place = placeOf();
    await look(place);
    const bad = repository.commit(files, { parents: [first] });
    repository.push(bad);
    const result = await look(place);
    expect(result).toMatchObject({ kind: 'refused', commit: bad, problem: { code } });
    expect(JSON.stringify(result)).toContain(named);
    expect(taken(place)).toBe(first);
    expect(existsSync(treeFolder(remoteOf(place), bad))).toBe(false);
    expect(readSeen(remoteOf(place)).refused?.commit).toBe(bad);
    repository.push(repository.commit({ ...SERVICE, 'ds/x': '' }, { parents: [bad] }));
    expect(codeOf(await look(place))).toBe('taken');
    expect(readSeen(remoteOf(place)).refused).toBeUndefined();
  });

  test('a bomb of 100,000 files', async () => {
    const first = repository.commit(SERVICE);
    repository.push(first);
    const place = placeOf();
    await look(place);
    const before = process.memoryUsage().rss;
    const files = Array.from({ length: 100_000 }, (_, i) => [`ds/${i % 300}/f${i}`, ''] as const);
    repository.push(repository.huge(files, first));
    expect(codeOf(await look(place))).toBe('too-many-files');
    expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20);
    expect(taken(place)).toBe(first);
  });
});

test('without trust a force-push is followed, and told', async () => {
  const first = repository.commit(SERVICE);
  const second = repository.commit({ ...SERVICE, 'ds/b': '' }, { parents: [first] });
  repository.push(second);
  const place = placeOf();
  await look(place);
  repository.push(first);
  expect(await look(place)).toMatchObject({ kind: 'taken', from: second, rewritten: true, commit: { commit: first } });
});

test('what a damaged mirror has lost is fetched anew, and what a killed git left is swept', async () => {
  const first = repository.commit(SERVICE);
  repository.push(first);
  const place = placeOf({ url: `file://${repository.folder}` });
  await look(place);
  const damages: readonly ((mirror: string) => void)[] = [
    (mirror) => rmSync(join(mirror, 'objects'), { recursive: true }),
    (mirror) => rmSync(join(mirror, 'objects/pack'), { recursive: true }),
    (mirror) => {
      for (const name of readdirSync(join(mirror, 'objects/pack')).filter((one) => one.endsWith('.pack'))) {
        const file = join(mirror, 'objects/pack', name);
        const bytes = readFileSync(file);
        chmodSync(file, 0o600);
        writeFileSync(file, bytes.fill(7, 20, 60));
      }
    },
    (mirror) => writeFileSync(join(mirror, 'HEAD'), ''),
    (mirror) => writeFileSync(join(mirror, 'config'), '[core'),
    (mirror) => writeFileSync(join(mirror, 'refs/reconciled/fetched'), ''),
    (mirror) => {
      for (const name of ['config.lock', 'refs/reconciled/fetched.lock', 'objects/pack/tmp_pack_x'])
        writeFileSync(join(mirror, name), '');
    },
  ];
  let parent = first;
  for (const damage of damages) {
    damage(mirrorOf(remoteOf(place)));
    parent = repository.commit({ ...SERVICE, 'ds/n': parent }, { parents: [parent] });
    repository.push(parent);
    expect(await look(place)).toMatchObject({ kind: 'taken', commit: { commit: parent } });
  }
});

test('a tree that was written before this boot is written anew', async () => {
  const commit = repository.commit(SERVICE);
  repository.push(commit);
  const place = placeOf();
  await look(place);
  const remote = remoteOf(place);
  writeFileSync(`${treeFolder(remote, commit)}.whole`, 'another boot');
  writeFileSync(join(treeFolder(remote, commit), 'services/web.yaml'), '');
  expect(isExported(remote, commit)).toBe(false);
  rmSync(repository.folder, { recursive: true });
  const folder = await (await openCommits(place))?.export(commit);
  expect(readFileSync(join(folder ?? '', 'services/web.yaml'), 'utf8')).toContain('builtin');
});

test('what is wrong outside is a problem in words, and what was taken stays', async () => {
  const commit = repository.commit(SERVICE);
  repository.push(commit);
  expect(codeOf(await look(placeOf({ ref: 'nope' })))).toBe('git-unknown-ref');
  expect(codeOf(await look(placeOf({ url: '/nonexistent/x.git' })))).toBe('git-no-repository');
  expect(codeOf(await look(placeOf({ url: 'ext::sh -c true' })))).toBe('git-transport');
  const secret = placeOf({ url: 'http://dana:hunter2@127.0.0.1:1/x.git' });
  const down = await look(secret);
  expect(codeOf(down)).toBe('git-unreachable');
  expect(JSON.stringify(down) + readFileSync(join(remoteOf(secret).folder, 'seen.json'), 'utf8')).not.toContain(
    'hunter2',
  );
  const empty = createRepository(join(folder, 'empty.git'));
  expect(codeOf(await look(placeOf({ url: empty.folder })))).toBe('git-unknown-ref');
});

test('status tells the commit, and what is wrong since when', async () => {
  const commit = repository.commit(SERVICE, { message: 'more\u001b[31m workers' });
  repository.push(commit);
  const place = placeOf({ ref: 'main' });
  const desired = { revision: { content: '', commit }, policy: { written: {} } } as unknown as Desired;
  await look(place);
  const [note, ...more] = sourceNotes(place, desired, Date.now() + 60_000);
  expect(more).toEqual([]);
  expect(note).toMatchObject({ kind: 'source', ok: true });
  expect(note?.text).toMatch(
    new RegExp(
      `^${repository.folder} main: ${commit.slice(0, 12)} more \\[31m workers \\(Dana Ops\\), looked at 1m ago$`,
    ),
  );
  rmSync(repository.folder, { recursive: true });
  await look(place);
  expect(sourceNotes(place, desired).map(({ ok }) => ok)).toEqual([true, false]);
});

describe('names of commits', () => {
  test('branches, tags, hashes and what comes before them are resolved', async () => {
    const first = repository.commit(SERVICE);
    const second = repository.commit({ ...SERVICE, 'ds/b': '' }, { parents: [first] });
    repository.push(second);
    repository.push(first, 'old/branch');
    repository.tag('v1', first);
    const place = placeOf();
    await look(place);
    const commits = await openCommits(place);
    for (const [name, commit] of [
      ['HEAD', second],
      ['main', second],
      ['HEAD~1', first],
      ['main^', first],
      ['old/branch', first],
      ['v1', first],
      [first.slice(0, 8), first],
    ] as const)
      expect([name, await commits?.resolve(name)]).toEqual([name, commit]);
    for (const name of ['nope', '--upload-pack=x', 'HEAD~9', 'a:b', '', 'deadbeef'])
      await expect(commits?.resolve(name), name).rejects.toMatchObject({ problems: [{ code: 'unknown-commit' }] });
    expect(await commits?.describe(first)).toMatchObject({ subject: 'change 1', author: 'Dana Ops' });
  });
});

describe('trust', () => {
  let dana: SshKey;
  let eve: SshKey;
  let signedBy: string;
  beforeEach(() => {
    dana = makeKey(join(folder, 'dana'));
    eve = makeKey(join(folder, 'eve'));
    mkdirSync(join(folder, 'etc'), { mode: 0o700 });
    signedBy = join(folder, 'etc/allowed_signers');
    writeFileSync(signedBy, signer('dana', dana), { mode: 0o600 });
  });
  const trusted = () => placeOf({}, { signedBy });

  test('what is signed is taken; what is not, by another, or tampered with is not', async () => {
    const first = repository.commit(SERVICE, { signedBy: dana });
    repository.push(first);
    const place = trusted();
    expect(codeOf(await look(place))).toBe('taken');
    for (const how of [{}, { signedBy: eve }, { signedBy: dana, tampered: true }]) {
      repository.push(repository.commit({ ...SERVICE, 'ds/x': '' }, { parents: [first], ...how }));
      expect(codeOf(await look(place))).toBe('git-untrusted');
      expect(taken(place)).toBe(first);
    }
  });

  test('an unsigned commit before a signed one, or merged by one, is not hidden by it', async () => {
    const first = repository.commit(SERVICE, { signedBy: dana });
    repository.push(first);
    const place = trusted();
    await look(place);
    const unsigned = repository.commit({ ...SERVICE, 'ds/x': '' }, { parents: [first] });
    repository.push(repository.commit({ ...SERVICE, 'ds/y': '' }, { parents: [unsigned], signedBy: dana }));
    const result = await look(place);
    expect(codeOf(result)).toBe('git-untrusted');
    expect(JSON.stringify(result)).toContain(unsigned.slice(0, 12));
    repository.push(repository.merge(first, unsigned, { signedBy: dana }));
    expect(codeOf(await look(place))).toBe('git-untrusted');
    const mine = repository.commit({ ...SERVICE, 'ds/z': '' }, { parents: [first], signedBy: dana });
    const theirs = repository.commit({ ...SERVICE, 'ds/w': '' }, { parents: [first], signedBy: dana });
    repository.push(repository.merge(mine, theirs, { signedBy: dana }));
    expect(codeOf(await look(place))).toBe('taken');
  });

  test('history only moves forward, unless somebody says so', async () => {
    const first = repository.commit(SERVICE, { signedBy: dana });
    const second = repository.commit({ ...SERVICE, 'ds/b': '' }, { parents: [first], signedBy: dana });
    repository.push(second);
    const place = trusted();
    await look(place);
    const other = repository.commit({ ...SERVICE, 'ds/c': '' }, { parents: [first], signedBy: dana });
    const unrelated = repository.commit({ ...SERVICE, 'ds/d': '' }, { signedBy: dana });
    for (const commit of [first, other, unrelated]) {
      repository.push(commit);
      expect(codeOf(await look(place))).toBe('git-rewound');
      expect(taken(place)).toBe(second);
    }
    repository.push(other);
    expect(await look(place, { allowRewind: true })).toMatchObject({
      kind: 'taken',
      rewritten: true,
      commit: { commit: other },
    });
    repository.push(repository.commit({ ...SERVICE, 'ds/e': '' }, { parents: [first] }));
    expect(codeOf(await look(place, { allowRewind: true }))).toBe('git-untrusted');
  });

  test('a mirror that was made anew does not forget what was taken', async () => {
    const first = repository.commit(SERVICE, { signedBy: dana });
    const second = repository.commit({ ...SERVICE, 'ds/b': '' }, { parents: [first], signedBy: dana });
    repository.push(second);
    const place = trusted();
    await look(place);
    rmSync(mirrorOf(remoteOf(place)), { recursive: true });
    repository.push(first);
    expect(codeOf(await look(place))).toBe('git-rewound');
  });

  test('who may sign must be safe to believe', async () => {
    repository.push(repository.commit(SERVICE, { signedBy: dana }));
    chmodSync(signedBy, 0o666);
    expect(codeOf(await look(trusted()))).toBe('trust-signers');
    chmodSync(signedBy, 0o600);
    chmodSync(join(folder, 'etc'), 0o777);
    expect(codeOf(await look(trusted()))).toBe('trust-signers');
    expect(codeOf(await look(placeOf({}, { signedBy: join(folder, 'none') })))).toBe('trust-signers');
    const inside = join(repository.folder, 'allowed_signers');
    writeFileSync(inside, signer('dana', dana), { mode: 0o600 });
    expect(codeOf(await look(placeOf({}, { signedBy: inside })))).toBe('trust-signers');
  });

  test('who may sign from now on makes a refused commit good', async () => {
    repository.push(repository.commit(SERVICE, { signedBy: eve }));
    const place = trusted();
    expect(codeOf(await look(place))).toBe('git-untrusted');
    writeFileSync(signedBy, signer('dana', dana) + signer('eve', eve), { mode: 0o600 });
    expect(codeOf(await look(place))).toBe('taken');
  });
});
