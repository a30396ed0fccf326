import type { Example } from '../examples.ts';

export const INSIGHTS: Readonly<Record<string, readonly Example[]>> = {
  events: [
    ['reconcile events -f', 'what happens, as it happens: steps, states, health, holds, restarts, alerts'],
    ["reconcile events -f 'dolphin:*' --since 10m", 'of a group alone, from ten minutes ago on'],
    ['reconcile events web --json', 'the newest of one service, for programs, a line each'],
  ],
  env: [
    ['reconcile env web', 'what its process has beside what is declared, secrets masked'],
    ['reconcile env web@2', 'of one of its instances'],
    ['reconcile env web --json', 'for programs'],
  ],
  config: [
    ['reconcile config', 'its own settings and the policy: each value, and the flag, variable or line that says so'],
    ['reconcile config web', 'every field of a service after all layers and defaults, with the place of each'],
    ['reconcile config web --host trading-2', 'as another host would have it'],
  ],
  completion: [
    ['reconcile completion bash > /etc/bash_completion.d/reconcile', 'for bash, of all users'],
    ['reconcile completion zsh > ~/.zfunc/_reconcile', 'for zsh, where fpath has that folder'],
    ['reconcile completion fish > ~/.config/fish/completions/reconcile.fish', 'for fish'],
  ],
};
