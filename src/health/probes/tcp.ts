import { connect } from 'node:net';
import type { Attempt } from '../attempt.ts';
import type { TcpTarget } from '../health.ts';
import { lookup } from './lookup.ts';
import { netWords } from './net-words.ts';

/** Connects, and hangs up. */
export function tcpAttempt({ host, port }: TcpTarget): Attempt {
  return (_, done) => {
    // What it calls outlives the try.
    let tell: typeof done | undefined = done;
    const end = (failure: string | undefined) => {
      const told = tell;
      tell = undefined;
      socket.destroy();
      told?.(failure);
    };
    const socket = connect({ host, port, lookup });
    socket.on('connect', () => end(undefined)).on('error', (error) => end(netWords(error, host)));
    return (within) => {
      tell = undefined;
      socket.destroy();
      return `no connection ${within}`;
    };
  };
}
