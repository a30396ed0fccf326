import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHost, type Host, RECONCILE, until } from '../rig/host.ts';

let host: Host;
beforeAll(async () => {
  host = await createHost();
  const sleeper = { supervisor: 'builtin', command: ['sleep', '600'], group: 'dolphin' };
  host.write('nautilus_trader', sleeper);
  host.write('scan_bridge', { ...sleeper, description: 'Bridges scans: to NG6' });
  host.write('api', { ...sleeper, group: 'site', instances: 2 });
  writeFileSync(join(host.folder, 'friday.json'), '{}');
  symlinkSync(RECONCILE, join(host.folder, 'reconcile'));
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
});

const SHELLS = {
  bash: { command: 'bash --norc --noprofile -i', load: 'source <(reconcile completion bash)' },
  zsh: { command: 'zsh -f -i', load: 'autoload -U compinit; compinit -u -D; source <(reconcile completion zsh)' },
  fish: { command: 'fish --no-config -i', load: 'reconcile completion fish | source' },
} as const;

const isThere = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0;

interface Terminal extends AsyncDisposable {
  type(keys: string): void;
  saw(text: RegExp): Promise<RegExpExecArray>;
}

/** A shell on a terminal of its own, as a person has it. */
function open(command: string): Terminal {
  const child: ChildProcess = spawn('script', ['-qec', `stty cols 200; exec ${command}`, '/dev/null'], {
    cwd: host.folder,
    env: {
      ...{ PATH: `${host.folder}:${process.env.PATH}`, HOME: host.folder, TERM: 'dumb', LANG: 'C.UTF-8', PS1: '$ ' },
      ...{ RECONCILE_DESIRED_STATE: host.desired, RECONCILE_RUNTIME_DIR: host.runtime },
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    type: (keys) => child.stdin?.write(keys),
    saw: async (text) => {
      try {
        return (await until(() => text.exec(output))) as RegExpExecArray;
      } catch {
        throw new Error(`never saw ${text} in ${JSON.stringify(output)}`);
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin?.end('exit\n');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** What is typed, and what stands there after a Tab. */
const CASES = [
  ['reconcile vali\t', 'reconcile validate'],
  ['reconcile stop nau\t', 'reconcile stop nautilus_trader'],
  ['reconcile stop scan_bridge nau\t', 'reconcile stop scan_bridge nautilus_trader'],
  ['reconcile stop dol\t', 'reconcile stop dolphin'],
  ['reconcile history api@2\t', 'reconcile history api@2'],
  ['reconcile --only=scan\t', 'reconcile --only=scan_bridge'],
  ['reconcile --dry-run --only scan_bridge nau\t', 'reconcile --dry-run --only scan_bridge nautilus_trader'],
  ['reconcile stop scan_bridge --rea\t', 'reconcile stop scan_bridge --reason'],
  ['reconcile set nau\tlimits.addr\t3GiB', 'reconcile set nautilus_trader.limits.addressSpace=3GiB'],
  ['reconcile set scan_bridge.state=sto\t', 'reconcile set scan_bridge.state=stopped'],
  ['reconcile unset scan_bridge.descr\t', 'reconcile unset scan_bridge.description'],
  ['reconcile apply fri\t', 'reconcile apply friday.json'],
  ['reconcile status --state-dir des\t', 'reconcile status --state-dir desired-state'],
] as const;

describe.each(Object.keys(SHELLS) as (keyof typeof SHELLS)[])('%s', (shell) => {
  it.skipIf(!isThere(shell))('completes commands, options, names, files and folders', async () => {
    const { command, load } = SHELLS[shell];
    await using terminal = open(command);
    terminal.type(`${load}; echo load''ed\n`);
    await terminal.saw(/loaded\r?\n/);
    for (const [i, [typed, stands]] of CASES.entries()) {
      // To the beginning of the line: it is printed and not run.
      terminal.type(`${typed}\x01echo got${i} \n`);
      const [, got] = await terminal.saw(new RegExp(`\\ngot${i} ([^\\r\\n]*)\\r?\\n`));
      // zsh takes the slash away again where nothing comes behind it.
      expect(got?.trim().replace(/\/$/, '')).toBe(stands);
    }
  });
});

it('answers a shell though the desired state or the configuration is invalid, and without any', async () => {
  const broken = await createHost();
  await using _ = broken;
  const complete = async (...words: readonly string[]) => await broken.reconcile('complete', 'zsh', '--', ...words);
  broken.write('web', { supervisor: 'builtin', command: ['sleep', '600'], description: 'A\tweb: server\nof ours' });
  expect(await complete('stop', '')).toEqual({ code: 0, stdout: 'web\tA web: server\n', stderr: '' });
  broken.write('web', 'nonsense');
  expect(await complete('stop', '')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect((await complete('validate', '--js')).stdout).toMatch(/^--json\t/);
  writeFileSync(join(broken.folder, 'reconcile.config.yaml'), 'nonsense: [');
  expect(await complete('stop', '')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect((await complete('vali')).stdout).toMatch(/^validate\tcheck the/);
  expect((await broken.reconcile('completion', 'bash')).stdout).toContain('complete -F _reconcile reconcile\n');
  expect(await broken.reconcile('completion', 'tcsh')).toMatchObject({ code: 1, stdout: '' });
});
