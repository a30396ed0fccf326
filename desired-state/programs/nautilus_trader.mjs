// Stand-in for the trading engine: asks the bridge for the newest scan and processes every one that it has not yet.
// A bridge that is away is waited for: it is no reason to die.
import { keptNumber, log, onStop, serve } from './lib.mjs';

const processed = keptNumber('processed');
let bridge = 'unknown';
log(`starting after scan ${processed.get()}`);
serve(Number(process.env.PORT), {
  '/health': () => ({ pid: process.pid, scan: processed.get(), bridge }),
});

async function poll() {
  let state = 'up';
  try {
    const response = await fetch(process.env.SCANS, { signal: AbortSignal.timeout(2000) });
    const { scan } = await response.json();
    if (scan > processed.get()) {
      const first = processed.get() + 1;
      processed.set(scan);
      if (first !== scan) log(`caught up: scans ${first} to ${scan}`);
      else if (scan % 10 === 0) log(`processed scan ${scan}`);
    }
  } catch {
    state = 'away';
  }
  if (state !== bridge) log(`scan bridge is ${state}`);
  bridge = state;
  setTimeout(poll, 500);
}

poll();
onStop(() => processed.set(processed.get()));
