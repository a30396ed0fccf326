import { constants } from 'node:os';
import { closest } from '../../closest.ts';
import { ensureFolder } from '../../config.ts';
import { whoAsks } from '../../daemon/asked.ts';
import { openRecorder } from '../../daemon/record.ts';
import { eventOf } from '../../daemon/touched.ts';
import { supervisorsInUse } from '../../engine.ts';
import { namedAlike } from '../../groups.ts';
import { createMonitor } from '../../health/monitor.ts';
import type { Touch } from '../../model.ts';
import { type Operated, operate, type TouchEvent } from '../../operate/operate.ts';
import { Failure } from '../../problem.ts';
import { checkSource } from '../../sources.ts';
import { openRegistry } from '../../supervisors/index.ts';
import type { Context, Options } from '../context.ts';
import { operatedJson, operatedText, touchText } from '../views/touch.ts';
import { desiredNow, usage } from './lease.ts';
import { underLock } from './locked.ts';

/** `reconcile reload NAME…`: they read their own settings anew, and keep their processes. */
export function reloadCommand(context: Context, options: Options): Promise<number> {
  return touch(context, options, { kind: 'reload' });
}

/** `reconcile signal SIGNAL NAME…`: to their main processes, or to all of them. */
export function signalCommand(context: Context, options: Options): Promise<number> {
  const signal = signalOf(options.signal ?? '');
  return touch(context, options, { kind: 'signal', signal, tree: options.tree === true });
}

async function touch(context: Context, options: Options, what: Touch): Promise<number> {
  const { names = [], all = false, force = false } = options;
  if (all && names.length > 0) throw usage(`cannot ${what.kind} --all and ${names.join(', ')}`, 'give one of them');
  if (!all && names.length === 0)
    throw usage(`cannot ${what.kind} nothing`, 'name services, groups or patterns, or say --all');
  const words = all ? ['*'] : names;
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const waiting = new Map<string, number>();
  const emit = (event: TouchEvent) => {
    if (event.kind === 'touching') waiting.set(event.service, performance.now());
    else waiting.delete(event.touched.service);
    const line = options.json ? undefined : touchText(event, context.style);
    if (line !== undefined) context.out(`${line}\n`);
  };
  using _ = reminding(context, options, waiting);
  const by = whoAsks();
  const request = { names: words, touch: what, force };
  const ask = async (socket: string) => {
    const { askTouch } = await import('../../daemon/client.ts');
    return askTouch(socket, { ...request, desiredState: context.config.desiredState, by }, emit, abort.signal);
  };
  const done = await underLock(context, what.kind, ask, () => touchHere(context, request, by, emit, abort.signal));
  context.out(options.json ? `${JSON.stringify(operatedJson(done), null, 2)}\n` : operatedText(done, what, context));
  return done.touched.some(({ outcome }) => outcome.kind !== 'done') ? 3 : 0;
}

/** ms. */
const REMIND = 10_000;

/** Tells now and then what is still waited for. */
function reminding({ out, style }: Context, { json }: Options, waiting: ReadonlyMap<string, number>): Disposable {
  const timer = setInterval(() => {
    for (const [service, since] of waiting) {
      const took = Math.round((performance.now() - since) / 1000);
      if (took * 1000 >= REMIND && !json) out(style.dim(`  ${service}: still waiting (${took}s)\n`));
    }
  }, REMIND);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function touchHere(
  { config, note }: Context,
  request: Parameters<typeof operate>[1],
  by: string,
  emit: (event: TouchEvent) => void,
  signal: AbortSignal,
): Promise<Operated> {
  const desired = await desiredNow(config);
  // What it says is run.
  const safety = checkSource(config);
  if (safety.length > 0) throw new Failure(...safety);
  ensureFolder(config.stateDir);
  for (const word of namedAlike(request.names, desired.services))
    note(`'${word}' is a service and a group: the service is meant; the group is '${word}:*'\n`);
  await using monitor = createMonitor();
  const { runtimeDir, logDir } = config;
  await using registry = openRegistry({ owner: desired.policy.owner, runtimeDir, logDir, supervise: false, monitor });
  const supervisors = await registry.take(supervisorsInUse(config, desired), desired.instances);
  using recorder = openRecorder(config, { stays: false, onTrouble: ({ summary }) => note(`${summary}\n`) });
  const told = (event: TouchEvent) => {
    emit(event);
    if (event.kind === 'touched') recorder.tell(eventOf(event.touched, by));
  };
  // Awaited here: what it asks is let go when this function returns.
  return await operate(desired, request, { supervisors, emit: told, signal });
}

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [name, number]));

/** `HUP`, `sighup`, `SIGHUP` or `1`. */
function signalOf(text: string): NodeJS.Signals {
  const upper = text.toUpperCase();
  const byNumber = [...SIGNALS].find(([, number]) => String(number) === text)?.[0];
  const name = byNumber ?? (upper.startsWith('SIG') ? upper : `SIG${upper}`);
  if (SIGNALS.has(name)) return name as NodeJS.Signals;
  const near = closest(name, [...SIGNALS.keys()]);
  const hint = near === undefined ? 'such as HUP or USR1' : `did you mean ${near.slice(3)}?`;
  throw usage(`cannot send '${text}': there is no such signal`, hint);
}
