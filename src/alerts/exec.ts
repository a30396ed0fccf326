import { writableByOthers } from '../desired/safety.ts';
import { why } from '../problem.ts';
import type { Alert } from './alert.ts';
import { runChild } from './child.ts';
import { line } from './compose.ts';
import { alertJson } from './json.ts';
import type { Limits, Sent } from './send.ts';

/** Runs a command with the alert as JSON on its standard input; exit code 0 is success. */
export async function execute([program = '', ...args]: readonly string[], alert: Alert, limits: Limits): Promise<Sent> {
  try {
    const open = writableByOthers(program);
    if (open !== undefined)
      return { kind: 'failed', why: `cannot run ${program}: others can write ${open}`, again: true };
  } catch (error) {
    return { kind: 'failed', why: `cannot run ${program}: ${why(error)}`, again: true };
  }
  const ended = await runChild(program, args, `${JSON.stringify(alertJson(alert))}\n`, limits);
  if (ended.kind === 'exited' && ended.code === 0) return { kind: 'done', what: 'exit code 0' };
  return {
    kind: 'failed',
    why: line(ended.kind === 'exited' ? `exit code ${ended.code} ${ended.said}` : ended.why),
    again: true,
  };
}
