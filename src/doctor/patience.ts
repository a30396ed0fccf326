/** How often a wait is counted on. */
const TICKS = 20;

/**
 * Calls `over` once so much time (ms) has passed in which this process could run: where the host is that busy, an answer may lie
 * there that nobody had the time to take. Gives what ends the wait.
 */
export function patience(ms: number, over: () => void): () => void {
  let left = TICKS;
  // Ticks that were missed are not made up for.
  const timer = setInterval(() => {
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    over();
  }, ms / TICKS);
  return () => clearInterval(timer);
}
