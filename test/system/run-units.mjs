// Runs in a test host: makes what a batch of units needs, has systemd judge and start them, and tells how their processes
// came out. Reads { files, unitFiles: [[path, text, mode]], units: [name] } as JSON and prints JSON, bytes in base64.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const { files, unitFiles, units } = JSON.parse(readFileSync(0, 'utf8'));
for (const [path, text, mode] of [...files, ...unitFiles]) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

const verify = spawnSync(
  'systemd-analyze',
  ['verify', '--man=no', '--recursive-errors=no', ...unitFiles.map(([path]) => path)],
  { encoding: 'utf8' },
);
execFileSync('systemctl', ['daemon-reload']);
const start = spawnSync('systemctl', ['start', ...units], { encoding: 'utf8' });

const shown = execFileSync('systemctl', ['show', '--property=MainPID', '--value', ...units], { encoding: 'utf8' });
const pids = shown.trim().split(/\n+/);
const processes = units.map((unit, i) => {
  const pid = pids[i];
  if (pid === '0') return { unit };
  const read = (name) => readFileSync(`/proc/${pid}/${name}`).toString('base64');
  const link = (name) => readlinkSync(`/proc/${pid}/${name}`, 'buffer').toString('base64');
  return {
    unit,
    argv: read('cmdline'),
    environ: read('environ'),
    status: read('status'),
    limits: read('limits'),
    cwd: link('cwd'),
    stdout: link('fd/1'),
    stderr: link('fd/2'),
  };
});

execFileSync('systemctl', ['stop', ...units]);
for (const [path] of unitFiles) rmSync(path);
console.log(JSON.stringify({ verify: verify.stdout + verify.stderr, start: start.stderr, processes }));
