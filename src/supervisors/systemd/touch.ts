import { constants } from 'node:os';
import type { Outcome, Service, Touch } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { noReload, untouched } from '../shared/touching.ts';
import { journalCommand } from './journal.ts';
import { unitOf } from './names.ts';
import { type Observer, problemOf } from './sight.ts';

/** systemd knows whether a unit can be reloaded: ours by `reload`, those of others by what their packages say. */
export async function cannotTouch(
  observer: () => Promise<Observer>,
  service: Service,
  touch: Touch,
): Promise<Problem | undefined> {
  if (touch.kind !== 'reload' || service.written.reload !== undefined) return undefined;
  try {
    const { manager } = await observer();
    return (await manager.property(unitOf(service), 'CanReload')) ? undefined : noReload(service);
  } catch (error) {
    return problemOf(error);
  }
}

export async function touch(
  observer: () => Promise<Observer>,
  service: Service,
  what: Touch,
  pid: number,
  abort: AbortSignal,
): Promise<Outcome> {
  const unit = unitOf(service);
  try {
    const { manager, scope } = await observer();
    if (what.kind === 'signal') {
      await manager.kill(unit, what.tree ? 'all' : 'main', constants.signals[what.signal]);
      return { kind: 'done', pid };
    }
    if (!(await manager.property(unit, 'CanReload'))) return { kind: 'failed', problem: notYet(service) };
    const end = await manager.reloadUnit(unit, abort);
    if (end === 'done' || end === 'unseen') return { kind: 'done', pid };
    const because = end === 'failed' ? 'its ExecReload= failed' : `its job ended as '${end}'`;
    const hint = `what it said: ${journalCommand(scope, unit)}`;
    return { kind: 'failed', problem: { ...untouched(what, service.id, because), hint } };
  } catch (error) {
    return { kind: 'failed', problem: problemOf(error) };
  }
}

/** Git says how, and systemd does not know. */
function notYet(service: Service): Problem {
  if (service.written.reload === undefined) return noReload(service);
  const because = '`reload` is in Git, but was not applied yet';
  return { ...untouched({ kind: 'reload' }, service.id, because), hint: `reconcile --only ${service.name}` };
}
