import pino, { type Logger } from 'pino';

/** Pretty lines on a terminal, JSON otherwise; on stderr, so that stdout stays for data. */
export async function createLog(): Promise<Logger> {
  const options = {
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ dest: 2, sync: true }));
  const { default: pretty } = await import('pino-pretty');
  const colorize = process.env.NO_COLOR === undefined || process.env.NO_COLOR === '';
  return pino(options, pretty({ destination: 2, sync: true, translateTime: 'SYS:HH:MM:ss', colorize }));
}
