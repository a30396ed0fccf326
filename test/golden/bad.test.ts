import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PLAIN } from '../../src/cli/style.ts';
import { problemsText } from '../../src/cli/views/problems.ts';
import { load } from '../../src/desired/load.ts';

/** Each case is a hostile `desired-state/`; `expected.txt` is all that a person is told. UPDATE_GOLDEN=1 writes it. */
const CASES = join(import.meta.dirname, 'bad');
const cases = readdirSync(CASES);

async function problemsOf(name: string): Promise<string> {
  const directory = join(CASES, name, 'desired-state');
  const loaded = await load({ directory, hostname: 'dolphin' });
  if (loaded.kind === 'valid') return 'valid\n';
  return problemsText(loaded.problems, PLAIN).replaceAll(directory, 'DIR');
}

describe('a hostile desired state', () => {
  test('is tried in at least 60 forms', () => expect(cases.length).toBeGreaterThanOrEqual(60));

  test.each(cases)('%s is told as expected', async (name) => {
    const text = await problemsOf(name);
    expect(text).not.toBe('valid\n');
    expect(text).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect(text).not.toContain('hunter2');
    const file = join(CASES, name, 'expected.txt');
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });
});
