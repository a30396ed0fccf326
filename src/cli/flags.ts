import { Failure } from '../problem.ts';
import type { Options } from './context.ts';

/** The flags of the top command that not every command has a use for, and which commands have. */
const FLAGS = {
  dryRun: '--dry-run',
  only: '--only',
  claim: '--claim',
  restartStaged: '--restart-staged',
  override: '--override',
  json: '--json',
} as const;
type Flag = keyof typeof FLAGS;

const USED: Readonly<Record<string, readonly Flag[]>> = {
  reconcile: ['dryRun', 'only', 'claim', 'restartStaged', 'override', 'json'],
  plan: ['dryRun', 'only', 'claim', 'restartStaged', 'override', 'json'],
  apply: ['claim', 'override', 'json'],
  start: ['claim', 'override', 'json'],
  stop: ['override', 'json'],
  restart: ['override', 'json'],
  reload: ['json'],
  signal: ['json'],
  hold: ['json'],
  release: ['json'],
  capture: ['dryRun', 'json'],
  set: ['dryRun', 'json'],
  unset: ['dryRun', 'json'],
  freeze: ['json'],
  unfreeze: ['json'],
  approve: ['json'],
  rollback: ['dryRun', 'only', 'json'],
  retry: ['json'],
  sync: ['json'],
  hook: ['json'],
  validate: ['json'],
  status: ['json'],
  logs: ['json'],
  who: ['json'],
  history: ['json'],
  events: ['json'],
  env: ['json'],
  config: ['json'],
  completion: [],
  explain: ['json'],
  diff: ['only', 'json'],
  alert: ['json'],
  daemon: [],
  install: ['dryRun', 'json'],
  uninstall: ['dryRun', 'json'],
  init: ['dryRun', 'json'],
  doctor: ['json'],
  import: ['dryRun', 'json'],
};

const HINTS: Readonly<Record<string, string>> = {
  'apply --dry-run': 'to see what would change now: `reconcile --dry-run`',
  'apply --only': 'a saved plan is applied whole: `reconcile plan --only NAME --out FILE` makes a smaller one',
  'apply --restart-staged':
    'a saved plan is applied as it is: `reconcile plan --restart-staged --out FILE` makes one that restarts',
  'start --dry-run': 'to see what would change: `reconcile --dry-run`',
  'start --only': 'name the services themselves: `reconcile start NAME`',
  'stop --dry-run': 'it does what it says at once; what gates say is shown by `reconcile --dry-run`',
  'stop --only': 'name the services themselves: `reconcile stop NAME`',
  'reload --override': 'it interrupts nothing, and so no gate, window or freeze is in its way',
  'signal --override': 'no gate, window or freeze is in its way',
  'daemon --dry-run': 'to see what would change: `reconcile --dry-run`',
  'daemon --json': 'its log is JSON wherever it is not written to a terminal',
};

/** Has a command a use for an option of the top command? */
export function isUsed(command: string, option: string): boolean {
  if (option === 'version') return command === 'reconcile';
  if (command === 'completion') return false;
  return !Object.hasOwn(FLAGS, option) || (USED[command] ?? []).includes(option as Flag);
}

/** Refuses flags that mean nothing to a command: nobody is to believe that `daemon --dry-run` only looks. */
export function refuseFlags(command: string, options: Options): void {
  const used = USED[command] ?? [];
  const useless = (Object.keys(FLAGS) as Flag[]).filter((flag) => options[flag] !== undefined && !used.includes(flag));
  if (useless.length === 0) return;
  throw new Failure(
    ...useless.map((flag) => ({
      code: 'useless-flag',
      summary: `cannot use ${FLAGS[flag]} with \`reconcile ${command}\`: it means nothing there`,
      hint: HINTS[`${command} ${FLAGS[flag]}`] ?? `\`reconcile ${command} --help\` tells what it takes`,
    })),
  );
}
