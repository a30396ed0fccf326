import type { Command } from 'commander';

/** Under what commands stand in the help of all, by what one wants of them. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Plan and apply:': ['plan', 'apply', 'validate', 'diff'],
  'Look:': ['status', 'logs', 'events', 'history', 'explain', 'who', 'env', 'config', 'doctor'],
  'Do by hand:': ['start', 'stop', 'restart', 'reload', 'signal', 'hold', 'release', 'freeze', 'unfreeze', 'approve'],
  'Change what Git says:': ['set', 'unset', 'capture', 'import', 'init'],
  'Follow commits:': ['sync', 'hook', 'rollback', 'retry'],
  'Set up:': ['daemon', 'install', 'uninstall', 'alert', 'completion'],
};

/** Each command stands with its like, in this order. */
export function groupCommands(top: Command): void {
  const headings = Object.entries(GROUPS);
  const order = headings.flatMap(([, names]) => names);
  const place = (command: Command) => (order.includes(command.name()) ? order.indexOf(command.name()) : order.length);
  for (const command of top.commands) {
    const [heading] = headings.find(([, names]) => names.includes(command.name())) ?? [];
    if (heading !== undefined) command.helpGroup(heading);
  }
  (top.commands as Command[]).sort((a, b) => place(a) - place(b));
}
