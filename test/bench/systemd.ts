/**
 * Measures `supervisor: systemd` on a host with a systemd of its own beside what it is chosen over, each pair in turns so
 * that a slow moment of the machine hits both: `npm run bench -- f g h i`.
 *   f  dry run with nothing to do at 10, 200, 1,000 units: ours, `systemctl show` of them, Ansible, Puppet
 *   g  one changed unit of 1,000 through the daemon: ours, a bare daemon-reload and restart
 *   h  the idle daemon with 1,000 units, 60 s
 *   i  first converge of 200 units: ours, `systemctl` by a script
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { median, quantile, RECONCILE } from './rig.ts';

export const DESIRED = '/root/desired-state';
const names = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`);
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const ratio = (value: number) => `${value.toFixed(2)}x`;
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** A service file as full as the example in the design. */
function serviceYaml(name: string, extra = ''): string {
  return `# yaml-language-server: $schema=../../schemas/service.schema.json
description: Event-driven trading engine
group: dolphin
supervisor: systemd
state: running
command: [/bin/sleep, "1000000", "0.${name.slice(1)}"]
directory: /opt
environment: { TZ: UTC${extra} }
start: { ready: 0s, retries: 3 }
stop: { signal: TERM, timeout: 30s, tree: true }
restart: { policy: always, backoff: { initial: 1s, factor: 2, max: 5m }, limit: { restarts: 1000, within: 10m }, cooldown: 5m }
limits: { openFiles: 65536 }
changes: now
`;
}

function declare(host: SystemdHost, all: readonly string[]): void {
  for (const name of all) host.write(`${DESIRED}/services/${name}.yaml`, serviceYaml(name));
}

/** Wall time (ms) of a shell command in the host; fails where it does not end as expected. */
export async function timed(host: SystemdHost, script: string, codes: readonly number[] = [0]): Promise<number> {
  const start = performance.now();
  const { code, stdout, stderr } = await host.exec(['sh', '-c', script], { timeout: 1_200_000 });
  const took = performance.now() - start;
  if (!codes.includes(code ?? -1))
    throw new Error(`${script}: ended with ${code}\n${stdout.slice(-2000)}${stderr.slice(-2000)}`);
  return took;
}

const dryRun = `${RECONCILE} --dry-run --desired-state ${DESIRED} >/dev/null`;

/** Resolves when it is up. */
export async function startDaemon(host: SystemdHost): Promise<ReturnType<SystemdHost['spawn']>> {
  const daemon = host.spawn([RECONCILE, 'daemon', '--desired-state', DESIRED]);
  let log = '';
  daemon.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
  });
  while (!log.includes('ready')) await sleep(50);
  return daemon;
}

export async function withUnits(
  count: number,
  use: (host: SystemdHost, all: readonly string[]) => Promise<void>,
): Promise<void> {
  await using host = await systemdHost();
  const all = names(count);
  declare(host, all);
  await timed(host, `${RECONCILE} --desired-state ${DESIRED} >/dev/null`);
  await use(host, all);
}

export async function f(): Promise<void> {
  for (const count of [10, 200, 1000]) {
    await withUnits(count, async (host, all) => {
      const show = `systemctl show ${all.map((name) => `${name}.service`).join(' ')} >/dev/null`;
      const mine: number[] = [];
      const uncached: number[] = [];
      const theirs: number[] = [];
      const asked: number[] = [];
      const theirsThen: number[] = [];
      for (let i = 0; i < 7; i += 1) {
        mine.push(await timed(host, dryRun));
        theirs.push(await timed(host, show));
        await timed(host, 'rm -rf /var/lib/reconciled/cache');
        uncached.push(await timed(host, dryRun));
      }
      const daemon = await startDaemon(host);
      await sleep(3000);
      for (let i = 0; i < 7; i += 1) {
        asked.push(await timed(host, dryRun));
        theirsThen.push(await timed(host, show));
      }
      daemon.kill('SIGTERM');
      const pair = (us: readonly number[], them: readonly number[]) =>
        `${ms(median(us))}  systemctl show ${ms(median(them))}  ratio ${ratio(median(us) / median(them))}`;
      const what = `f  dry run, ${String(count).padStart(4)} units`;
      say(`${what}, daemon running  ${pair(asked, theirsThen)}  (goal at 1,000: 0.5x)`);
      say(
        `${what}, no daemon       ${pair(mine, theirs)}  uncached ${ratio(median(uncached) / median(theirs))}  (goal at 1,000, uncached: below 1x)`,
      );
      if (count === 200) await beside(host, all, median(mine));
    });
  }
}

/** Ansible and Puppet with the same units as templates and services, nothing to do: Ansible at 50 of them, four times that told. */
async function beside(host: SystemdHost, all: readonly string[], mine: number): Promise<void> {
  const units = all.map((name) => ({ name, text: host.read(`/etc/systemd/system/${name}.service`) }));
  for (const { name, text } of units) host.write(`/root/units/${name}.service`, text);
  const few = units.slice(0, 50);
  host.write('/root/site.yml', playbook(few.map(({ name }) => name)));
  const ansible = 'ansible-playbook -i localhost, --check --diff /root/site.yml';
  if (await has(host, 'ansible-playbook')) {
    const took = median([await timed(host, ansible), await timed(host, ansible)]);
    say(
      `f  ansible --check     50 units ${ms(took)}, so 200 would take ${ms(4 * took)}  ansible/reconciled at 200 ${ratio((4 * took) / mine)}, extrapolated  (goal: at least 30x)`,
    );
  } else say('f  ansible: skipped, not installed');
  host.write('/root/site.pp', units.map(({ name }) => manifest(name)).join(''));
  if (await has(host, 'puppet')) {
    const puppet = 'puppet apply --noop /root/site.pp';
    const took = median([await timed(host, puppet), await timed(host, puppet)]);
    say(`f  puppet --noop      200 units ${ms(took)}  puppet/reconciled ${ratio(took / mine)}  (goal: at least 30x)`);
  } else say('f  puppet: skipped, not installed');
}

const has = async (host: SystemdHost, program: string) => (await host.exec(['which', program])).code === 0;

function playbook(all: readonly string[]): string {
  return `- hosts: localhost
  connection: local
  gather_facts: false
  vars: { services: [${all.join(', ')}] }
  tasks:
    - name: unit
      ansible.builtin.template: { src: "/root/units/{{ item }}.service", dest: "/etc/systemd/system/{{ item }}.service", mode: "0644" }
      loop: "{{ services }}"
    - name: service
      ansible.builtin.systemd: { name: "{{ item }}.service", state: started, enabled: true }
      loop: "{{ services }}"
`;
}

function manifest(name: string): string {
  return `file { '/etc/systemd/system/${name}.service': source => '/root/units/${name}.service', mode => '0644' }
-> service { '${name}': ensure => running, enable => true }
`;
}

export async function g(): Promise<void> {
  await withUnits(1000, async (host) => {
    const daemon = await startDaemon(host);
    await sleep(8000);
    const mine: number[] = [];
    const bare: number[] = [];
    for (let i = 0; i < 7; i += 1) {
      const before = mainPid(host, `s${i}`);
      if (before === undefined) throw new Error(`s${i} does not run`);
      const start = performance.now();
      host.write(`${DESIRED}/services/s${i}.yaml`, serviceYaml(`s${i}`, `, ROUND: "${i}"`));
      // Seen by its new process, not by what the daemon says.
      for (let now: string | undefined; now === undefined || now === before; now = mainPid(host, `s${i}`))
        await sleep(2);
      mine.push(performance.now() - start);
      await sleep(4000);
      const text = host.read(`/etc/systemd/system/s${i + 100}.service`);
      host.write(`/etc/systemd/system/t${i}.service`, text);
      await timed(host, `systemctl daemon-reload && systemctl start t${i}`);
      await sleep(4000);
      host.write(`/etc/systemd/system/t${i}.service`, text.replace('TZ=UTC', 'TZ=CET'));
      bare.push(await timed(host, `systemctl daemon-reload && systemctl restart t${i}`));
      await timed(host, `systemctl stop t${i}; rm /etc/systemd/system/t${i}.service`);
      await sleep(4000);
    }
    daemon.kill('SIGTERM');
    say(
      `g  one of 1,000 changed ${ms(median(mine))} (p90 ${ms(quantile(mine, 0.9))})  daemon-reload && restart ${ms(median(bare))}  ratio ${ratio(median(mine) / median(bare))}  (goal: at most 1.3x)`,
    );
  });
}

/** The one process of a unit, as a pid out here; read from its control group, which costs nobody anything. */
function mainPid(host: SystemdHost, unit: string): string | undefined {
  for (const mount of ['systemd/', 'unified/', '']) {
    try {
      const path = host.path(`/sys/fs/cgroup/${mount}system.slice/${unit}.service/cgroup.procs`);
      const pid = readFileSync(path, 'utf8').trim();
      return /^\d+$/.test(pid) ? pid : undefined;
    } catch {
      // Another hierarchy, or between the two.
    }
  }
  return undefined;
}

export async function h(): Promise<void> {
  await withUnits(1000, async (host) => {
    const daemon = await startDaemon(host);
    await sleep(20_000);
    const pid = (await host.exec(['pgrep', '-f', 'cli.js daemon'])).stdout.trim().split('\n')[0] ?? '';
    const usage = () => {
      const stat = host
        .read(`/proc/${pid}/stat`)
        .replace(/^.*\) /s, '')
        .split(' ');
      const rss = /VmRSS:\s+(\d+)/.exec(host.read(`/proc/${pid}/status`))?.[1] ?? '0';
      return { cpu: (Number(stat[11]) + Number(stat[12])) * 10, rss: Number(rss) / 1024 };
    };
    const before = usage();
    await sleep(60_000);
    const after = usage();
    daemon.kill('SIGTERM');
    const share = (after.cpu - before.cpu) / 600;
    say(
      `h  idle, 1,000 units, 60 s  ${share.toFixed(3)} % of a core  resident ${after.rss.toFixed(0)} MB  (goal: at most 0.1 %)`,
    );
  });
}

export async function i(): Promise<void> {
  const mine: number[] = [];
  const script: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const all = names(200);
    const texts = new Map<string, string>();
    {
      await using host = await systemdHost();
      declare(host, all);
      mine.push(await timed(host, `${RECONCILE} --desired-state ${DESIRED} >/dev/null`));
      for (const name of all) texts.set(name, host.read(`/etc/systemd/system/${name}.service`));
    }
    {
      await using host = await systemdHost();
      for (const [name, text] of texts) host.write(`/root/units/${name}.service`, text);
      const units = all.map((name) => `${name}.service`).join(' ');
      script.push(
        await timed(
          host,
          `cp /root/units/*.service /etc/systemd/system/ && systemctl daemon-reload && systemctl -q enable ${units} && systemctl start ${units}`,
        ),
      );
    }
  }
  say(
    `i  first converge, 200 units ${ms(median(mine))}  a script with systemctl ${ms(median(script))}  ratio ${ratio(median(mine) / median(script))}`,
  );
}
