// Stand-in for the scan bridge: a scan is a number, and every interval there is one more.
import { keptNumber, log, onStop, serve } from './lib.mjs';

const scan = keptNumber('scan');
log(`starting after scan ${scan.get()}`);
serve(Number(process.env.PORT), {
  '/health': () => ({ pid: process.pid, scan: scan.get() }),
  '/scan': () => ({ scan: scan.get() }),
});
setInterval(() => {
  scan.set(scan.get() + 1);
  if (scan.get() % 10 === 0) log(`scan ${scan.get()}`);
}, Number(process.env.SCAN_INTERVAL_MS));
onStop(() => {});
