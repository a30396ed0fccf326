import type { Example } from '../examples.ts';

export const INSIGHTS: Readonly<Record<string, readonly Example[]>> = {
  events: [
    ['reconcile events -f', 'what happens, as it happens: steps, states, health, holds, restarts, alerts'],
    ["reconcile events -f 'dolphin:*' --since 10m", 'of a group alone, from ten minutes ago on'],
    ['reconcile events web --json', 'the newest of one service, for programs, a line each'],
  ],
  completion: [
    ['reconcile completion bash > /etc/bash_completion.d/reconcile', 'for bash, of all users'],
    ['reconcile completion zsh > ~/.zfunc/_reconcile', 'for zsh, where fpath has that folder'],
    ['reconcile completion fish > ~/.config/fish/completions/reconcile.fish', 'for fish'],
  ],
};
