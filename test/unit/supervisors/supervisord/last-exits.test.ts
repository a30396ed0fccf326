import { expect, it } from 'vitest';
import { exitsIn } from '../../../../src/supervisors/supervisord/last-exits.ts';

const line = (text: string) => `2026-11-28 20:40:40,123 INFO ${text}\n`;
const all = (...texts: readonly string[]) => exitsIn(texts.map(line).join(''));

it('finds the code that a program ended with last', () => {
  expect(
    all(
      "spawned: 'web' with pid 812",
      'exited: web (exit status 1; not expected)',
      "spawned: 'web' with pid 813",
      'exited: web (exit status 78; not expected)',
      'gave up: web entered FATAL state, too many start retries too quickly',
      'exited: api@2 (exit status 0; expected)',
    ),
  ).toEqual(
    new Map([
      ['web', 78],
      ['api@2', 0],
    ]),
  );
});

it('knows none of what was started, stopped or killed since, and of what only looks like a line of it', () => {
  const ended = 'exited: web (exit status 78; not expected)';
  for (const later of [
    "spawned: 'web' with pid 814",
    'exited: web (terminated by SIGKILL; not expected)',
    'stopped: web (exit status 0)',
  ])
    expect(all(ended, later)).toEqual(new Map());
  expect(all(`spawnerr: ${ended}`)).toEqual(new Map());
  expect(exitsIn(`d (exit status 78; not expected)\n`)).toEqual(new Map());
});
