import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { Fault } from './fault.ts';
import type { Value } from './xmlrpc.ts';

type Call = (method: string, params: readonly Value[]) => Promise<Value>;

interface Waiting {
  readonly method: string;
  readonly params: readonly Value[];
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

/** So many go in one: until it has done all, supervisord looks at none of its programs, and a start takes it a while. */
const MOST = 20;

const Failed = z.object({ faultCode: z.number(), faultString: z.string() });

/**
 * Calls one after another, and all that wait for their turn together (system.multicall): what is asked of hundreds of
 * programs at once would else keep supervisord from its programs. After a look it is left alone for as long as that took.
 */
export function batched(call: Call): Call {
  let waiting: Waiting[] = [];
  let busy = false;
  const turn = async (): Promise<void> => {
    const [now, later] = [waiting.slice(0, MOST), waiting.slice(MOST)];
    waiting = later;
    const begun = performance.now();
    await together(call, now);
    const looks = now.every(({ method }) => method === 'supervisor.getProcessInfo');
    if (looks) await sleep(performance.now() - begun);
  };
  const begin = () => {
    if (busy) return;
    busy = true;
    // All that is asked in this turn of the event loop goes together.
    setImmediate(async () => {
      while (waiting.length > 0) await turn();
      busy = false;
    });
  };
  return (method, params) =>
    new Promise((resolve, reject) => {
      waiting.push({ method, params, resolve, reject });
      begin();
    });
}

/** Never rejects: each caller hears for itself. */
async function together(call: Call, calls: readonly Waiting[]): Promise<void> {
  const [first] = calls;
  if (first === undefined) return;
  if (calls.length === 1) return call(first.method, first.params).then(first.resolve, first.reject);
  const all = calls.map(({ method, params }) => ({ methodName: method, params }));
  try {
    const answers = await call('system.multicall', [all]);
    if (!Array.isArray(answers) || answers.length !== calls.length) throw new Error('it answered something else');
    for (const [i, { resolve, reject }] of calls.entries()) {
      const answer = answers[i] as Value;
      const failed = z.safeParse(Failed, answer);
      if (failed.success) reject(new Fault(failed.data.faultCode, failed.data.faultString));
      else resolve(answer);
    }
  } catch (error) {
    for (const { reject } of calls) reject(error);
  }
}
