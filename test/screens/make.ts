// Makes docs/screens.md: commands as people type them on the sample, with what they show, in terminals of several widths.
//   node test/screens/make.ts [FOLDER]    (as root, for the screens of another user; FOLDER, default /srv/sample, is made anew)
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SCREENS, type Screen } from './screens.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const FOLDER = process.argv[2] ?? '/srv/sample';
const TERMINAL = join(ROOT, 'test/screens/terminal.py');
/** What everybody may run stands where everybody may look. */
const BIN = '/usr/local/lib/reconciled-screens';

const environment = {
  PATH: `${BIN}/bin:${process.env.PATH}`,
  HOME: FOLDER,
  TERM: 'xterm',
  NO_COLOR: '1',
  GIT_AUTHOR_DATE: '2026-11-28T12:00:00Z',
  GIT_COMMITTER_DATE: '2026-11-28T12:00:00Z',
};

function shell(command: string): void {
  execFileSync('sh', ['-ec', command], { cwd: FOLDER, env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
}

function prepare(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  rmSync(BIN, { recursive: true, force: true });
  mkdirSync(join(BIN, 'bin'), { recursive: true });
  cpSync(join(ROOT, 'dist'), join(BIN, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(BIN, 'package.json'));
  cpSync(join(ROOT, 'schemas'), join(BIN, 'schemas'), { recursive: true });
  cpSync(process.execPath, join(BIN, 'bin/node'));
  symlinkSync('../dist/reconcile', join(BIN, 'bin/reconcile'));
  mkdirSync(FOLDER, { recursive: true });
  for (const name of ['desired-state', 'reconcile.config.yaml', 'schemas'])
    cpSync(join(ROOT, name), join(FOLDER, name), { recursive: true });
  mkdirSync(join(FOLDER, 'node_modules/.bin'), { recursive: true });
  symlinkSync(join(BIN, 'bin/node'), join(FOLDER, 'node_modules/.bin/node'));
  writeFileSync(join(FOLDER, '.gitignore'), '.reconciled\nnode_modules\n');
  shell(
    'git init -q -b main; git config user.name Ann; git config user.email ann@example.org; git add -A; git commit -qm "The sample"',
  );
}

function shown({ run, columns, keys = '', after = 3, user = false }: Screen): string {
  const as = user ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'env', 'HOME=/nonexistent'] : [];
  const command = [...as, 'sh', '-c', run];
  const options = { cwd: FOLDER, env: environment, encoding: 'utf8', timeout: 150_000 } as const;
  const { stdout, stderr, status } =
    columns === undefined
      ? spawnSync('sh', ['-c', '"$@" 2>&1', 'sh', ...command], options)
      : spawnSync('python3', [TERMINAL, String(columns), String(after), keys, ...command], options);
  const text = alone(`${stdout}${columns === undefined ? '' : stderr}`.trimEnd());
  const code = status === 0 ? '' : `\n[exit code ${status}]`;
  return `${user ? '$' : '#'} ${run}\n${text}${code}`;
}

/** Without what `doctor` finds of other work on the machine that this is made on. */
function alone(text: string): string {
  return text
    .split(/\n(?=\S)/)
    .filter(
      (finding) =>
        !/^(?:ok|warning) {2,}(?:daemon|supervisord) .*(?:another\s+daemon|none\s+is\s+ours|is\s+none\s+of\s+ours)/s.test(
          finding,
        ),
    )
    .join('\n');
}

async function main(): Promise<void> {
  prepare();
  const parts: string[] = [readFileSync(join(ROOT, 'test/screens/head.md'), 'utf8').trimEnd()];
  let daemon: ReturnType<typeof spawn> | undefined;
  try {
    for (const screen of SCREENS) {
      if (screen.title !== undefined) parts.push(`\n## ${screen.title}`);
      if (screen.text !== undefined) parts.push(`\n${screen.text}`);
      if (screen.before !== undefined) shell(screen.before);
      if (screen.daemon === 'start') {
        daemon = spawn(join(BIN, 'bin/reconcile'), ['daemon'], { cwd: FOLDER, env: environment, stdio: 'ignore' });
        await sleep(12_000);
      }
      if (screen.wait !== undefined) await sleep(screen.wait * 1000);
      if (screen.run === '') continue;
      const place = screen.columns === undefined ? 'piped' : `${screen.columns} columns`;
      parts.push(`\n${place}${screen.user ? ', as an ordinary user' : ''}:\n\n\`\`\`console\n${shown(screen)}\n\`\`\``);
    }
  } finally {
    spawnSync(join(BIN, 'bin/reconcile'), ['daemon', '--stop-services'], { cwd: FOLDER, env: environment });
    daemon?.kill('SIGTERM');
  }
  writeFileSync(join(ROOT, 'docs/screens.md'), `${parts.join('\n')}\n`);
  rmSync(FOLDER, { recursive: true, force: true });
  rmSync(BIN, { recursive: true, force: true });
}

await main();
