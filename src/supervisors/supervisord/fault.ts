/** What supervisord refused, by its name for it (supervisor.xmlrpc.Faults). */
export class Fault extends Error {
  override readonly name: string;

  constructor(code: number, text: string) {
    super(text);
    this.name = FAULTS[code] ?? `FAULT_${code}`;
  }
}

const FAULTS: Readonly<Record<number, string>> = {
  1: 'UNKNOWN_METHOD',
  6: 'SHUTDOWN_STATE',
  10: 'BAD_NAME',
  20: 'NO_FILE',
  21: 'NOT_EXECUTABLE',
  30: 'FAILED',
  40: 'ABNORMAL_TERMINATION',
  50: 'SPAWN_ERROR',
  60: 'ALREADY_STARTED',
  70: 'NOT_RUNNING',
  90: 'ALREADY_ADDED',
  91: 'STILL_RUNNING',
  92: 'CANT_REREAD',
};

/** Swallows these faults. */
export function unless(...names: readonly string[]): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof Fault && names.includes(error.name)) return undefined;
    throw error;
  };
}
