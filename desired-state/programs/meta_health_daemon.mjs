// Stand-in for the watchdog of the story, with its mistake: one dead upstream, and it "recovers" services that are fine.
// It finds their pids by asking them, so it can hit nothing but this sample's own.
import { connect } from 'node:net';
import { log, onStop } from './lib.mjs';

const [host, port] = process.env.NG6.split(':');
const watched = process.env.WATCHES.split(' ');

/** Sensor M1: is the upstream there? */
function upstream() {
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: 1000 });
    const end = (up) => {
      socket.destroy();
      resolve(up);
    };
    socket
      .on('connect', () => end(true))
      .on('timeout', () => end(false))
      .on('error', () => end(false));
  });
}

async function attemptRecovery(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    const { pid } = await response.json();
    if (!(pid > 1)) throw new Error('no pid');
    process.kill(pid, 'SIGKILL');
    log(`status DEAD: killed ${pid} (${url})`);
  } catch {
    log(`status DEAD: nothing to kill at ${url}`);
  }
}

async function judge() {
  if (!(await upstream())) for (const url of watched) await attemptRecovery(url);
  setTimeout(judge, 2000);
}

judge();
onStop(() => {});
