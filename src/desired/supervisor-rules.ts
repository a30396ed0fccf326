/** Rules about one supervisors/ file that a schema can't say. Pure. */
import type { Finding } from './finding.ts';
import type { SupervisorFile } from './generated/supervisor.ts';
import type { Path } from './layer.ts';

/** Why each key can't be written of an instance that others own; those that are not here can. */
const OTHERS_SAY: Readonly<Partial<Record<keyof SupervisorFile, string>>> = {
  socket: 'it is read from its configuration',
  log: 'it is read from its configuration',
  pid: 'it is read from its configuration',
  minfds: 'its configuration says so',
  minprocs: 'its configuration says so',
  command: 'others run it',
  user: 'others run it',
  boot: 'others run it',
  changes: 'nothing of its own is changed',
};

/** A socket is bound beside its place first, under its name with `.PID` behind it (supervisor.http), and must be shorter. */
const LONGEST_SOCKET = 107 - '.4194304'.length;

/** `broken` are the top-level keys that have findings already: nothing more is said about those. */
export function supervisorRules(file: Partial<SupervisorFile>, broken: ReadonlySet<string | undefined>): Finding[] {
  return file.owned === false ? usedRules(file, broken) : ownedRules(file);
}

function usedRules(file: Partial<SupervisorFile>, broken: ReadonlySet<string | undefined>): Finding[] {
  const findings = Object.entries(OTHERS_SAY).flatMap(([key, why]) =>
    key in file
      ? [rule([key], 'key', 'not-owned', `${key} can't be set where owned is false: ${why}`, 'remove it')]
      : [],
  );
  if (file.include === undefined && !broken.has('include')) {
    const hint = 'add `include: /etc/supervisor/conf.d`, the folder that its [include] section reads';
    findings.push(rule(['include'], 'key', 'missing-key', "missing key 'include', which owned: false needs", hint));
  }
  return findings;
}

function ownedRules({ socket, allowInsecureSocket }: Partial<SupervisorFile>): Finding[] {
  const findings: Finding[] = [];
  const path = socket?.path;
  if (path !== undefined && Buffer.byteLength(path) > LONGEST_SOCKET) {
    const summary = `socket.path: ${Buffer.byteLength(path)} bytes are too long for a socket`;
    const hint = `at most ${LONGEST_SOCKET}: leave it out, or put it nearer to the root`;
    findings.push(rule(['socket', 'path'], 'value', 'bad-value', summary, hint));
  }
  const mode = socket?.mode;
  if (mode !== undefined && (Number.parseInt(mode, 8) & 0o002) !== 0 && allowInsecureSocket !== true) {
    const hint = 'write `mode: "0770"` and a group of your own as `owner: root:GROUP`, or leave both out';
    const summary = `socket.mode: with ${mode} every user of the host controls this supervisord, and so runs anything as its user`;
    findings.push(rule(['socket', 'mode'], 'value', 'insecure-socket', summary, hint));
  }
  return findings;
}

function rule(path: Path, part: Finding['part'], code: string, summary: string, hint: string): Finding {
  return { code, path, part, summary, hint };
}
