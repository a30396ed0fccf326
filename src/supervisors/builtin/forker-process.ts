/**
 * A process that launches services for another, whose pid is its argument: what that one asks for comes as messages, and it is
 * told of each what became of it. It ends with the other.
 */
import { type Launch, launch } from './launch.ts';

/** What is asked for. */
export interface Asked {
  readonly number: number;
  readonly launch: Launch;
}

/** What became of it; the first is that of no launch: this process is there. */
export type Told =
  | { readonly kind: 'ready' }
  | { readonly kind: 'launched'; readonly number: number; readonly pid: number }
  | {
      readonly kind: 'failed';
      readonly number: number;
      /** Nothing before it has failed. */
      readonly spawning: boolean;
      readonly code: string | undefined;
      readonly message: string;
    };

const parent = Number(process.argv[2]);
const tell = (told: Told) => void process.send?.(told);

process.on('disconnect', () => process.exit());
process.on('message', ({ number, launch: wanted }: Asked) => {
  const failed = (error: NodeJS.ErrnoException, spawning: boolean) =>
    tell({ kind: 'failed', number, spawning, code: error.code, message: error.message });
  try {
    const child = launch(wanted, endWithParent);
    child.once('error', (error) => failed(error, true));
    if (child.pid !== undefined) tell({ kind: 'launched', number, pid: child.pid });
  } catch (error) {
    failed(error as NodeJS.ErrnoException, false);
  }
});
tell({ kind: 'ready' });

/**
 * Nothing is touched for one that is no more: whoever comes after it looks whether the FIFO is held, and it is by now. So either
 * he sees it, or this process sees that its parent is gone.
 */
function endWithParent(): void {
  if (process.ppid !== parent) process.exit();
}
