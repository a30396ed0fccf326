import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkSchema } from '../../../src/desired/explain.ts';
import { CONFIGS as READ } from '../supervisors/supervisord/lay-out.ts';
import { foundIn } from './programs-import.ts';

const SEED = Number(process.env.RECONCILED_SEED ?? Date.now() % 2 ** 31);
const RUNS = process.env.RECONCILED_LONG === '1' ? 5000 : 100;
const OWN = new URL('configs/', import.meta.url).pathname;
const texts = [OWN, READ].flatMap((folder) =>
  readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')),
);
const secret = 'hunter22hunter22';

const odd = fc.constantFrom(
  ...[
    '%',
    '%(',
    '%(here)s',
    '%(ENV_X)s',
    '{{ x }}',
    '{% if x %}',
    '"',
    "'",
    '\\',
    '\0',
    '\ufffd',
    '\ud800',
    '=',
    '[',
    ']',
  ],
  ...['\n', '\n[program:x]\n', '\n[DEFAULT]\n'],
  ...[
    '\nnumprocs=2\n',
    '\nuser=root\n',
    '\ndirectory=\n',
    '\nstdout_logfile=\n',
    '\nsocket=unix:///x y\n',
    '\nevents=,\n',
    '🐬',
    '; ',
  ],
);
/** So many times something is put in, taken out, or in place of something else. */
const edits = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(8), odd), { maxLength: 5 });

/** Somewhere between two lines. */
const secretLine = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(
    `environment=A="1",DB_PASSWORD="${secret}"`,
    `command=x --password ${secret} --token=${secret}`,
    `api_token=${secret}`,
  ),
);

it(`makes services that are valid, and shows no secret, of whatever it reads (seed ${SEED})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'reconciled-any-'));
  try {
    fc.assert(
      fc.property(fc.constantFrom(...texts), edits, secretLine, (text, all, [place, line]) => {
        const edited = all.reduce((now, [where, length, put]) => {
          const at = Math.floor(where * now.length);
          return now.slice(0, at) + put + now.slice(at + length);
        }, text);
        const lines = edited.split('\n');
        lines.splice(Math.floor(place * lines.length), 0, line);
        const { found, supervisor, notices } = foundIn(lines.join('\n'), mkdtempSync(join(folder, 'x')));
        for (const one of found) {
          if (one.kind === 'imported') expect(checkSchema('service', one.service)).toEqual([]);
        }
        if (supervisor !== undefined) expect(checkSchema('supervisor', supervisor.supervisor)).toEqual([]);
        const shown = [...found.map((one) => ({ ...one, secrets: {} })), supervisor?.losses, notices];
        const visible = shown.filter((one) => JSON.stringify(one)?.includes(secret));
        expect(visible).toEqual([]);
      }),
      { seed: SEED, numRuns: RUNS },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 600_000);
