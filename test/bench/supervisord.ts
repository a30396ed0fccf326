/**
 * Measures `supervisor: supervisord/NAME` beside supervisorctl on real supervisords, each pair in turns so that a slow
 * moment of the machine hits both: `npm run bench -- j k`.
 *   j  dry run with nothing to do at 10, 200, 1,000 programs, with a daemon and without: ours, `supervisorctl update`, `status`
 *   k  one changed program of a group of 200: how many others are restarted, and the time to its new process
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, createBench, ended, median, ours, serviceYaml, timed } from './rig.ts';

const names = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`);
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const ratio = (value: number) => `${value.toFixed(2)}x`;
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** A supervisord of the bench, and how to ask it by its own tool. */
export interface Instance {
  readonly config: string;
  readonly include: string;
  ctl(...args: readonly string[]): number;
  stop(): Promise<void>;
}

/** `minfds` is small because a large one makes its spawning slower. */
export async function start(bench: Bench, tag: string, count: number, sections = ''): Promise<Instance> {
  const folder = join(bench.folder, tag);
  const [config, include] = [join(folder, 'supervisord.conf'), join(folder, 'conf.d')];
  mkdirSync(include, { recursive: true });
  const minfds = Math.max(1024, count * 5);
  writeFileSync(
    config,
    `[supervisord]\nlogfile=${folder}/log\npidfile=${folder}/pid\nnodaemon=true\nminfds=${minfds}\n` +
      `[unix_http_server]\nfile=${folder}/sock\nchmod=0700\n[supervisorctl]\nserverurl=unix://${folder}/sock\n` +
      `[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n` +
      `${sections}[include]\nfiles=${include}/*.conf\n`,
  );
  const child: ChildProcess = spawn('supervisord', ['-c', config], { stdio: 'ignore', cwd: '/' });
  while (!existsSync(join(folder, 'sock'))) await sleep(20);
  const stop = async () => {
    child.kill('SIGTERM');
    await ended(child);
  };
  bench.onDispose(stop);
  return { config, include, ctl: (...args) => timed('supervisorctl', ['-c', config, ...args]).ms, stop };
}

export function declared(bench: Bench, us: ReturnType<typeof ours>, name: string, extra = ''): void {
  const text = serviceYaml(bench, name, extra).replace('supervisor: builtin', 'supervisor: supervisord/bench');
  writeFileSync(join(us.desired, 'services', `${name}.yaml`), text);
}

export function useInstance(us: ReturnType<typeof ours>, { config, include }: Instance): void {
  mkdirSync(join(us.desired, 'supervisors'), { recursive: true });
  writeFileSync(join(us.desired, 'supervisors/bench.yaml'), `owned: false\nconfig: ${config}\ninclude: ${include}\n`);
}

export async function j(): Promise<void> {
  for (const count of [10, 200, 1000]) {
    await using bench = await createBench();
    const instance = await start(bench, 'super', count);
    const us = ours(bench);
    useInstance(us, instance);
    for (const name of names(count)) declared(bench, us, name);
    const first = us.run();
    if (first.code !== 0) throw new Error(`apply ended with ${first.code}: ${first.stdout}`);
    const [alone, uncached, update, status, asked]: number[][] = [[], [], [], [], []];
    const dryRun = () => {
      const run = us.run('--dry-run');
      if (run.code !== 0) throw new Error(`dry run ended with ${run.code}: ${run.stdout}`);
      return run.ms;
    };
    for (let i = 0; i < 7; i += 1) {
      alone?.push(dryRun());
      update?.push(instance.ctl('update'));
      status?.push(instance.ctl('status'));
      rmSync(join(bench.folder, 'ours/run/state/cache'), { recursive: true, force: true });
      uncached?.push(dryRun());
    }
    const daemon = await us.daemon();
    await sleep(3000);
    for (let i = 0; i < 7; i += 1) {
      asked?.push(dryRun());
      update?.push(instance.ctl('update'));
      status?.push(instance.ctl('status'));
    }
    daemon.kill('SIGTERM');
    await ended(daemon);
    const [peer, other] = [median(update ?? []), median(status ?? [])];
    const beside = (mine: readonly number[] = []) =>
      `${ms(median(mine))} (${ratio(median(mine) / peer)}, ${ratio(median(mine) / other)})`;
    say(
      `j  dry run, ${String(count).padStart(4)} programs  with a daemon ${beside(asked)}  alone ${beside(alone)}  uncached ${beside(uncached)}  beside supervisorctl update ${ms(peer)}, status ${ms(other)}`,
    );
  }
  say('j  goals: never slower than supervisorctl, at 1,000 at most 0.25x');
}

/** Pids of all programs of the bench, by name. */
function pidsOf(bench: Bench, all: readonly string[]): ReadonlyMap<string, number> {
  return new Map(all.map((name) => [name, bench.pid(name)]));
}

function changes(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>, but: string): number {
  return [...before].filter(([name, pid]) => name !== but && after.get(name) !== pid).length;
}

export async function k(): Promise<void> {
  const all = names(200);
  const rounds = 5;
  const mine: number[] = [];
  const bare: number[] = [];
  let oursRestarted = 0;
  let theirsRestarted = 0;
  {
    await using bench = await createBench();
    const instance = await start(bench, 'super', all.length);
    const us = ours(bench);
    useInstance(us, instance);
    for (const name of all) declared(bench, us, name);
    const ready = bench.startedAll(all.length);
    const daemon = await us.daemon();
    await ready;
    await sleep(3000);
    for (let i = 0; i < rounds; i += 1) {
      const name = `s${i * 3}`;
      const before = pidsOf(bench, all);
      const next = bench.started(name);
      const at = performance.now();
      declared(bench, us, name, `, ROUND: "${i}"`);
      mine.push((await next).at - at);
      await sleep(1500);
      oursRestarted += changes(before, pidsOf(bench, all), name);
      // The same program by hand, as supervisord's own tool has it: stop, remove, reread, add.
      const [file = ''] = readdirSync(instance.include).map((each) => join(instance.include, each));
      const other = bench.started(`s${i * 3 + 1}`);
      const section = new RegExp(`(\\[program:s${i * 3 + 1}\\][^[]*?\\nstopwaitsecs=)30\\b`);
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace(section, (_, before: string) => `${before}29`),
      );
      const begun = performance.now();
      instance.ctl('stop', `s${i * 3 + 1}`);
      instance.ctl('reread');
      instance.ctl('remove', `s${i * 3 + 1}`);
      instance.ctl('add', `s${i * 3 + 1}`);
      bare.push((await other).at - begun);
      await sleep(1500);
    }
    daemon.kill('SIGTERM');
    await ended(daemon);
  }
  const theirs: number[] = [];
  {
    await using bench = await createBench();
    const programs = (changed: string) =>
      `${all
        .map(
          (name) =>
            `[program:${name}]\ncommand=${bench.service} ${name}\nstartsecs=0\nautorestart=true\n${name === changed ? 'environment=ROUND="1"\n' : ''}`,
        )
        .join('')}[group:pod]\nprograms=${all.join(',')}\n`;
    const ready = bench.startedAll(all.length);
    const instance = await start(bench, 'theirs', all.length);
    writeFileSync(join(instance.include, 'pod.conf'), programs(''));
    instance.ctl('update');
    await ready;
    await sleep(2000);
    const before = pidsOf(bench, all);
    const next = bench.started('s7');
    writeFileSync(join(instance.include, 'pod.conf'), programs('s7'));
    const at = performance.now();
    instance.ctl('update');
    theirs.push((await next).at - at);
    await sleep(3000);
    theirsRestarted = changes(before, pidsOf(bench, all), 's7');
  }
  say(
    `k  one of a group of 200 changed: others restarted ${oursRestarted} in ${rounds} rounds, by supervisorctl update ${theirsRestarted}  (goal: 0)`,
  );
  say(
    `k  saved -> new process  ${ms(median(mine))}  supervisorctl stop, reread, remove, add ${ms(median(bare))} (${ratio(median(mine) / median(bare))})  update ${ms(median(theirs))}  (goal: at most remove + add)`,
  );
}
