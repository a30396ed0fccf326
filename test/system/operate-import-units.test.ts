import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { variable } from '../rig/systemd/units.ts';
import { createWorld } from '../rig/systemd/world.ts';
import type { Asked, Compared } from './import/compare.ts';
import { ODD_LINKS, ODD_REFUSED, ODD_UNITS } from './import/odd-units.ts';

interface Answer {
  readonly compared: readonly Compared[];
  readonly refused: readonly { readonly unit: string; readonly why: string }[];
}

/** What `importUnits` makes of units, written in their place: what systemd has to say of both. */
async function compare(host: SystemdHost, asked: Asked, user?: string): Promise<Answer> {
  const script = new URL('import/compare.ts', import.meta.url).pathname;
  const as = user === undefined ? {} : { user };
  const input = JSON.stringify(asked);
  const { code, stdout, stderr } = await host.exec([process.execPath, script], { input, timeout: 110_000, ...as });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Answer;
}

/** Of what is compared: what is not the same, and what systemd complains of that it did not before. */
function odd({ compared }: Answer): readonly object[] {
  return compared.flatMap(({ unit, differs, complaints, text }) =>
    differs.length + complaints.length === 0 ? [] : [{ unit, differs, complaints, text }],
  );
}

function lossesOf({ compared }: Answer): readonly string[] {
  return compared.flatMap(({ losses }) => losses);
}

/** A folder of more unit files of packages: a longer list of what there is in the world. */
const MORE = process.env.RECONCILED_UNITS;

describeOnSystemd('units of systemd that are imported', () => {
  let host: SystemdHost;

  beforeAll(async () => {
    host = await systemdHost();
    return () => host[Symbol.asyncDispose]();
  });

  const UNITS = '/etc/systemd/system';
  const put = (texts: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(texts)) host.write(join(UNITS, name), text);
  };
  const link = (links: Readonly<Record<string, string>>) => {
    for (const [name, target] of Object.entries(links)) {
      mkdirSync(dirname(host.path(join(UNITS, name))), { recursive: true });
      symlinkSync(target, host.path(join(UNITS, name)));
    }
  };

  it('mean the same to systemd, all of those that are installed here', async () => {
    const folder = host.path('/usr/lib/systemd/system');
    const templates = readdirSync(folder).filter((name) => name.endsWith('@.service'));
    const instances = templates.map((name) => name.replace('@', '@tst'));
    const answer = await compare(host, { units: ['*', ...instances] });
    expect(odd(answer)).toEqual([]);
    expect(answer.compared.length).toBeGreaterThan(50);
    for (const { unit, loaded } of answer.compared) expect([unit, loaded]).toEqual([unit, 'loaded']);
    // Nothing systemd loads is refused: these are masked.
    for (const { why } of answer.refused) expect(why).toMatch(/: it is masked: nobody can start it$/);
    // An instance has to be called otherwise: what starts it by its name is told.
    expect(
      lossesOf(answer).filter((line) => !/^\S+@tst\.(timer|socket|path)=: it starts \S+@tst\.service, /.test(line)),
    ).toEqual([]);
  });

  // Where there are none it is no test that was skipped.
  const measure = (test: (folder: string) => Promise<void>) => {
    if (MORE !== undefined) it('mean the same, of many more packages', () => test(MORE));
  };
  measure(async (folder) => {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true });
    const names = new Set<string>();
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      const to = `/usr/lib/systemd/system/${relative(folder, path)}`;
      if (!file.isFile() || host.exists(to)) continue;
      host.write(to, readFileSync(path, 'utf8'));
      if (file.name.endsWith('.service')) names.add(file.name.replace('@.service', '@tst.service'));
    }
    await host.systemctl('daemon-reload');
    const answer = await compare(host, { units: [...names] });
    const count = (found: (one: Compared) => boolean) => answer.compared.filter(found).length;
    console.log(
      [
        `units: ${answer.compared.length}, refused: ${JSON.stringify(answer.refused)}`,
        `loaded by systemd: ${count(({ loaded }) => loaded === 'loaded')}`,
        `the same to systemd: ${count(({ differs }) => differs.length === 0)}`,
        `with lines that were not carried: ${count(({ losses }) => losses.length > 0)}`,
        ...lossesOf(answer),
      ].join('\n'),
    );
    expect(odd(answer)).toEqual([]);
  });

  it('mean the same however they are written', async () => {
    put(ODD_UNITS);
    link(ODD_LINKS);
    await host.systemctl('daemon-reload');
    const answer = await compare(host, { units: ['odd*', 'Odd*', 'odd-many@1000'] });
    expect(odd(answer)).toEqual([]);
    const files = Object.keys(ODD_UNITS).filter((name) => /^[^/@]*\.service$/.test(name));
    expect(answer.compared.map(({ unit }) => unit).sort()).toEqual([...files, 'odd-many@1000.service'].sort());
    expect(answer.refused).toEqual([
      { unit: 'odd-masked.service', why: 'cannot import odd-masked.service: it is masked: nobody can start it' },
    ]);
    const losses = Object.fromEntries(answer.compared.map(({ unit, losses }) => [unit, losses]));
    expect(losses['odd-mistakes.service']?.map((line) => line.replace(/: .*/, ''))).toEqual([
      'Stray=1',
      'no assignment=',
      '[Timer] OnCalendar=daily',
      '[X-Tool] Setting=1',
      '[Service] Restrat=always',
      '[Service] X-Own=1',
      '[Service] Environment=bad',
    ]);
    const others = answer.compared.filter(({ unit }) => unit !== 'odd-mistakes.service');
    expect(lossesOf({ ...answer, compared: others })).toEqual([]);
  });

  it('are refused where systemd refuses them, or nobody has filled them in, and the rest goes on', async () => {
    put(Object.fromEntries(Object.entries(ODD_REFUSED).map(([name, [text]]) => [name, text])));
    put({ 'bad-not.service': '[Service]\nExecStart=/bin/sleep 1000\n' });
    await host.systemctl('daemon-reload');
    const { compared, refused } = await compare(host, { units: ['bad-*', 'no-such'] });
    expect(compared.map(({ unit }) => unit)).toEqual(['bad-not.service']);
    for (const [unit, [, because]] of Object.entries(ODD_REFUSED)) {
      expect(refused.find((one) => one.unit === unit)?.why).toContain(because);
      const state = await host.systemctl('show', '--property=LoadState', '--value', unit);
      // A template is a unit to systemd, with a strange command.
      expect([unit, state.trim() === 'loaded']).toEqual([unit, unit === 'bad-template.service']);
    }
    expect(refused.map(({ why }) => why)).toContain('cannot import no-such.service: there is no such unit');
  });

  it('are taken over with their process, and the drop-ins that the service file says', async () => {
    put({
      'own-web.service':
        "[Service]\nExecStart=/bin/sh -c 'sleep 1000; :' web --token=hush --x $A\nEnvironment=A=1 DB_PASSWORD=hush\n[Install]\nWantedBy=multi-user.target\n",
      'own-web.service.d/10-said.conf': '[Service]\nNice=3\nExecStartPre=/bin/true\n',
      'own-.service.d/20-all.conf': '[Service]\nOOMScoreAdjust=7\nUMask=0\n',
      'own-web.service.d/30-last.conf': '[Service]\nUMask=0077\nExecStartPre=/bin/echo\n',
    });
    await host.systemctl('daemon-reload');
    await host.systemctl('enable', '--now', 'own-web');
    const seen = () => host.systemctl('show', '--property=MainPID,Nice,OOMScoreAdjust,UMask,ExecStartPre', 'own-web');
    const plain = (text: string) => text.replace(/ (start|stop)_time=.*$/gm, '');
    const before = plain(await seen());
    expect(before.match(/^ExecStartPre=/gm)).toHaveLength(2);
    await using world = createWorld(host, 'taken');
    const { code, stdout, stderr } = await world.reconcile('import', '--units', 'own-web', '--adopt');
    expect([code, stdout, stderr]).toEqual([0, expect.stringContaining('own-web'), expect.anything()]);
    expect(plain(await seen())).toBe(before);
    // Nothing secret is in Git, and a new process has it all the same.
    const own = async () => {
      const pid = (await host.systemctl('show', '--property=MainPID', '--value', 'own-web')).trim();
      return { argv: host.read(`/proc/${pid}/cmdline`), password: variable(host, Number(pid), 'DB_PASSWORD') };
    };
    const old = await own();
    expect(old.argv).toContain('--token=hush');
    await host.systemctl('restart', 'own-web');
    expect(await own()).toEqual(old);
    expect(host.read(`${world.desired}/services/own-web.yaml`)).not.toContain('hush');
    expect(host.read(join(UNITS, 'own-web.service'))).toContain('[X-Reconciled]');
    expect(readdirSync(host.path(join(UNITS, 'own-web.service.d'))).sort()).toEqual([
      '10-said.conf.before-reconciled',
      '30-last.conf',
    ]);
    expect(host.read(`${world.desired}/services/own-web.yaml`)).toContain(
      `Left beside it, and in force: ${UNITS}/own-.service.d/20-all.conf, ${UNITS}/own-web.service.d/30-last.conf.`,
    );
  });

  it("mean the same to a user's own manager", async () => {
    const user = 'trader';
    await host.userManager(user);
    const own = `/home/${user}/.config/systemd/user`;
    host.write(
      `${own}/mine.service`,
      '[Unit]\nDescription=%h\n[Service]\nExecStart=/bin/sleep 9\nEnvironment=A=%h\n[Install]\nWantedBy=default.target\n',
    );
    host.write(`${own}/mine.service.d/a.conf`, '[Service]\nWorkingDirectory=/srv\nRestart=always\n');
    await host.exec(['systemctl', '--user', 'daemon-reload'], { user });
    const answer = await compare(host, { manager: 'user', units: ['*'] }, user);
    expect(odd(answer)).toEqual([]);
    expect(answer.compared.map(({ unit }) => unit)).toContain('mine.service');
  });
});
