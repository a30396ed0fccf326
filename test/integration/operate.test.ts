import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ServiceStatus } from '../../src/model.ts';
import { createHost, type Host, until } from '../rig/host.ts';

/** Writes a line into `log` when it is there, and at each of these signals. */
const listener = (host: Host, name: string, more: object = {}, onHup = '') => ({
  supervisor: 'builtin',
  command: [
    '/bin/sh',
    '-c',
    `say() { echo "$1 ${name}" >> ${host.folder}/log; }
     trap 'say hup; ${onHup || ':'}' HUP; trap 'say usr1' USR1; trap 'say term; exit 0' TERM
     say up; while :; do sleep 0.05; done`,
  ],
  reload: { signal: 'HUP' },
  ...more,
});
const logOf = (host: Host) =>
  existsSync(join(host.folder, 'log')) ? readFileSync(join(host.folder, 'log'), 'utf8').trimEnd().split('\n') : [];
const said = (host: Host, ...lines: readonly string[]) =>
  until(() => (lines.every((line) => logOf(host).includes(line)) ? logOf(host) : undefined)).then((all) => all ?? []);
const forget = (host: Host) => rmSync(join(host.folder, 'log'), { force: true });
const ready = (ms: string, more: object = {}) => ({ start: { ready: ms, ...more } });

/** Three of one group, each after the one before, that are up and have set their traps. */
async function chain(host: Host, more: Readonly<Record<string, object>> = {}): Promise<void> {
  host.write('db', { ...listener(host, 'db', ready('300ms')), group: 'shop', ...more.db });
  host.write('api', { ...listener(host, 'api', ready('300ms', { after: ['db'] })), group: 'shop', ...more.api });
  host.write('web', { ...listener(host, 'web', ready('300ms', { after: ['api'] })), group: 'shop', ...more.web });
  host.write('alone', { supervisor: 'builtin', command: ['sleep', '600'], ...ready('0s') });
}

describe.each(['with a daemon', 'without one'])('%s', (way) => {
  async function up(host: Host): Promise<void> {
    if (way === 'with a daemon') await (await host.daemon()).saw('"event":"applied"');
    else expect((await host.reconcile()).code).toBe(0);
    await said(host, 'up db', 'up api', 'up web');
  }

  it('reload has them read their settings in their order, with the processes that they have, and it is recorded', async () => {
    await using host = await createHost();
    await chain(host);
    await up(host);
    forget(host);
    const before = await host.pids();
    const all = await host.reconcile('reload', 'shop');
    expect([all.code, all.stderr]).toEqual([0, '']);
    expect(all.stdout).toMatch(/\n3 reloaded\.\n$/);
    expect(await said(host, 'hup web')).toEqual(['hup db', 'hup api', 'hup web']);
    expect(await host.pids()).toEqual(before);
    const { stdout } = await host.reconcile('history', 'api');
    expect(stdout).toMatch(/has read its settings anew, asked for by \S+/);
    // What has no way is refused where it is named, before anything is done, and passed over else.
    forget(host);
    const refused = await host.reconcile('reload', 'db', 'alone');
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('cannot reload alone: nothing says how it reads its settings anew');
    expect(refused.stderr).toContain('write `reload: { signal: HUP }`');
    expect(logOf(host)).toEqual([]);
    const rest = await host.reconcile('reload', '--all', '--json');
    expect(rest.code).toBe(0);
    expect(JSON.parse(rest.stdout)).toMatchObject({
      services: [{ service: 'db', outcome: 'done', pid: before.db }, { service: 'api' }, { service: 'web' }],
      passedOver: [{ service: 'alone', why: 'nothing says how it reads its settings anew' }],
    });
  });

  it('where one is not well after its reload, or ends by it, those after it are left as they are', async () => {
    await using host = await createHost();
    const broken = join(host.folder, 'broken');
    const probe = { name: 'whole', exec: { command: ['/usr/bin/test', '!', '-e', broken] }, every: '1h' };
    await chain(host, {
      db: { reload: { command: ['/bin/sh', '-c', `echo "command $MAINPID" >> ${host.folder}/log`] } },
      api: {
        ...listener(host, 'api', { health: [probe] }, `touch ${broken}`),
        ...ready('0s', { after: ['db'], timeout: '300ms' }),
      },
    });
    await up(host);
    const before = await host.pids();
    const all = await host.reconcile('reload', 'shop:*');
    expect(all.code).toBe(3);
    expect(all.stdout).toContain('1 reloaded, 1 failed, 1 skipped.');
    expect(all.stdout).toContain('cannot reload api: it was told to, and is not well since: probe whole: exit code 1');
    expect(all.stdout).toContain('did not reload web: api comes first and failed');
    expect(logOf(host)).toContain(`command ${before.db}`);
    expect(logOf(host)).not.toContain('hup web');
    host.write('alone', {
      supervisor: 'builtin',
      command: ['sleep', '600'],
      ...ready('0s'),
      reload: { signal: 'HUP' },
    });
    await until(async () => (await host.reconcile()).code === 0);
    const deaf = await host.reconcile('reload', 'alone');
    expect(deaf.code).toBe(3);
    expect(deaf.stdout).toContain('cannot reload alone: its process ended by it');
  });

  it('signal reaches the main process alone, or all; what would end it is refused in favour of stop', async () => {
    await using host = await createHost();
    await chain(host);
    const child = `trap 'echo child >> ${host.folder}/log' USR1; while :; do sleep 0.05; done`;
    host.write('family', {
      supervisor: 'builtin',
      command: [
        '/bin/sh',
        '-c',
        `trap 'echo parent >> ${host.folder}/log' USR1; (${child}) & echo up family >> ${host.folder}/log; while :; do sleep 0.05; done`,
      ],
      ...ready('0s'),
    });
    await up(host);
    await said(host, 'up family');
    forget(host);
    expect((await host.reconcile('signal', 'usr1', 'family', '[aw][pe]?')).code).toBe(0);
    expect((await said(host, 'parent', 'usr1 api', 'usr1 web')).toSorted()).toEqual(['parent', 'usr1 api', 'usr1 web']);
    forget(host);
    const tree = await host.reconcile('signal', '10', 'family', '--tree');
    expect(tree.stdout).toMatch(/ {2}family: SIGUSR1 sent to pid \d+ and all below it\n\n1 signalled\.\n/);
    await said(host, 'parent', 'child');

    forget(host);
    const refused = await host.reconcile('signal', 'TERM', 'web');
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('cannot send SIGTERM to web: that ends it, and it would be taken for a crash');
    expect(refused.stderr).toContain('`reconcile stop web` stops it and has it left so');
    expect(logOf(host)).toEqual([]);
    const { web } = await host.pids();
    const forced = await host.reconcile('signal', 'TERM', 'web', '--force');
    expect([forced.code, forced.stdout]).toEqual([
      0,
      `  web: SIGTERM sent to pid ${web}; it ends by that\n\n1 signalled.\n`,
    ]);
    await said(host, 'term web');
    if (way === 'without one') return;
    // Its supervisor starts it again; nobody takes it for another's doing.
    const again = async () => (await host.status()).find(({ name }) => name === 'web') as ServiceStatus;
    await until(async () => (await again()).state === 'RUNNING' && (await again()).pid !== web);
    expect((await again()).note).toBeNull();
    const { stdout } = await host.reconcile('history', 'web');
    expect(stdout).toMatch(/SIGTERM sent to its process by \S+; it ends by that/);
    expect(stdout).not.toContain('undid');
  });

  it('stop, start and restart take groups, patterns and --all; a group is restarted as its policy lets it be', async () => {
    await using host = await createHost();
    await chain(host);
    host.write('policy.yaml', `owner: ${host.owner}\ngroups: { shop: { maxUnavailable: 1 } }\n`);
    await up(host);
    forget(host);
    expect((await host.reconcile('restart', 'shop')).code).toBe(0);
    // One after another: the next ends when the one before is up again.
    expect(await said(host, 'up web')).toEqual(['term db', 'up db', 'term api', 'up api', 'term web', 'up web']);
    forget(host);
    const stopped = await host.reconcile('stop', 'shop:*', '--reason', 'a test');
    expect(stopped.code).toBe(0);
    expect(stopped.stderr).toContain("to start again before that: reconcile start 'shop:*'");
    expect(logOf(host)).toEqual(['term web', 'term api', 'term db']);
    const status = await host.reconcile('status', 'shop');
    expect(status.code).toBe(3);
    expect(status.stdout.split('\n').filter((line) => line.includes('STOPPED'))).toHaveLength(3);
    expect((await host.reconcile('status', 'alone')).code).toBe(0);
    forget(host);
    expect((await host.reconcile('start', '--all')).code).toBe(0);
    expect(await said(host, 'up web')).toEqual(['up db', 'up api', 'up web']);
    expect((await host.reconcile('status')).code).toBe(0);
  });
});

it('refuses what nobody can mean, and tells what was meant', async () => {
  await using host = await createHost();
  await chain(host);
  host.write('whale', { supervisor: 'builtin', command: ['sleep', '600'], ...ready('0s') });
  host.write('orca', { supervisor: 'builtin', group: 'whale', command: ['sleep', '600'], ...ready('0s') });
  expect((await host.reconcile()).code).toBe(0);
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['restart', 'wbe'], "no service is called 'wbe'\n  did you mean 'web'?"],
    [['stop', 'zz*'], "no service's name fits 'zz*'"],
    [['reload', 'shpo'], "no service is called 'shpo'\n  did you mean 'shop'?"],
    [['signal', 'HUP', 'shop:wbe'], "no service of the group 'shop' is called 'wbe'\n  did you mean 'shop:web'?"],
    [['signal', 'HOP', 'web'], "cannot send 'HOP': there is no such signal\n  did you mean HUP?"],
    [['signal', 'HUP'], 'cannot signal nothing'],
    [['start'], 'cannot start nothing'],
    [['restart', '--all', 'web'], 'cannot restart --all and web'],
    [['reload', 'web', '--dry-run'], 'cannot use --dry-run with `reconcile reload`'],
  ];
  for (const [args, text] of cases) {
    const { code, stdout, stderr } = await host.reconcile(...args);
    expect([args, code, stdout, stderr]).toEqual([args, 1, '', expect.stringContaining(text)]);
  }
  const alike = await host.reconcile('restart', 'whale');
  expect(alike.stderr).toContain("'whale' is a service and a group: the service is meant; the group is 'whale:*'");
  expect(alike.stdout).not.toContain('orca');
});

it('status --watch prints anew what has changed, where it is no terminal, and ends with what it saw last', async () => {
  await using host = await createHost();
  host.write('web', { supervisor: 'builtin', command: ['sleep', '600'], ...ready('0s') });
  const daemon = await host.daemon();
  await daemon.saw('"event":"applied"');
  const watch = host.begin('status', '--watch', '--json');
  await watch.saw('"state":"RUNNING"');
  await host.reconcile('stop', 'web');
  await watch.saw('"state":"STOPPED"');
  expect(await watch.stop('SIGINT')).toBe(3);
  const states = watch
    .output()
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { services: ServiceStatus[] }).services[0]?.state);
  expect(states.filter((state, i) => state !== states[i - 1])).toEqual(['RUNNING', 'STOPPED']);
});
