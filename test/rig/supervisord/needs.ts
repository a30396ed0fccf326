import { spawnSync } from 'node:child_process';

export function hasSupervisord(): boolean {
  return spawnSync('supervisord', ['--version']).status === 0;
}
