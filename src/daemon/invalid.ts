import type { Config } from '../config.ts';
import { readLastGood } from '../decisions.ts';
import type { Desired, StatusNote } from '../model.ts';
import { Failure, type Problem } from '../problem.ts';
import { inForce } from '../verify/in-force.ts';
import type { ApplyRequest } from './wire.ts';

/** Damaged decisions converge nothing, which every run says anew; what runs is supervised all the same. */
export function lastGood(config: Config): Desired | undefined {
  try {
    const last = readLastGood(config.stateDir, config.desiredState);
    return last === undefined ? undefined : inForce(config, last);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** Why what is wanted now is not in force, for the lines above a status; nothing that another line says already. */
export function invalidNotes(problems: readonly Problem[], others: readonly StatusNote[]): readonly StatusNote[] {
  const news = problems.filter(({ summary }) => !others.some(({ text }) => text.includes(summary)));
  const [first] = news;
  if (first === undefined) return [];
  const more = news.length === 1 ? '' : `, and ${news.length - 1} more: reconcile validate`;
  return [{ kind: 'invalid', ok: false, text: `the desired state is invalid: ${textOf(first)}${more}` }];
}

function textOf({ summary, file, at }: Problem): string {
  if (at !== undefined) return `${at.file}:${at.line}:${at.column}: ${summary}`;
  return file === undefined || summary.includes(file) ? summary : `${file}: ${summary}`;
}

export function refuseOther(config: Config, request: Pick<ApplyRequest, 'desiredState'>): void {
  if (request.desiredState === config.desiredState) return;
  throw new Failure({
    code: 'other-desired-state',
    summary: `cannot apply ${request.desiredState}: the daemon of ${config.runtimeDir} applies ${config.desiredState}`,
    hint: 'use --desired-state of that daemon, or another --runtime-dir',
  });
}

export function ownerChanged(before: string, now: string): Problem {
  return {
    code: 'owner-changed',
    summary: `cannot use policy.yaml: its owner changed from '${before}' to '${now}' while the daemon runs`,
    hint: `what '${before}' owns would be left behind: change it back, or stop those services first and start the daemon anew`,
  };
}
