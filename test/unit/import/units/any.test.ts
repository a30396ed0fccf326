import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkSchema } from '../../../../src/desired/explain.ts';
import { importUnitText } from '../../../../src/import/unit.ts';
import { define } from '../../../../src/supervisors/systemd/define.ts';
import { ODD_UNITS } from '../../../system/import/odd-units.ts';
import { serviceOf } from '../../../system/import/service.ts';
import { OPTIONS } from '../../supervisors/systemd/make.ts';

const SEED = Number(process.env.RECONCILED_SEED ?? Date.now() % 2 ** 31);
const RUNS = process.env.RECONCILED_LONG === '1' ? 20_000 : 300;
const texts = Object.entries(ODD_UNITS).flatMap(([name, text]) => (name.endsWith('.service') ? [text] : []));
const secret = 'hunter22hunter22';

const odd = fc.constantFrom(
  ...[
    '%',
    '%%',
    '%i',
    '%n',
    '$',
    '$$',
    '{{ x }}',
    '{% if x %}',
    '"',
    "'",
    '\\',
    '\\\n',
    '\0',
    '\r',
    '\ufffe',
    '\ud800',
    '=',
    '[',
    ']',
    '🐬',
    ';',
    ' ; ',
  ],
  ...[
    '\n',
    '\n[Service]\n',
    '\n[Unit]\n',
    '\n[Install]\n',
    '\n[X-Reconciled]\n',
    '\nUser=\n',
    '\nUser=a b\n',
    '\nType=oneshot\n',
  ],
  ...[
    '\nEnvironment=\n',
    '\nEnvironment=RECONCILED_DEFINITION=x\n',
    '\nRestartSec=1y\n',
    '\nTimeoutSec=1us\n',
    '\nUMask=8\n',
    '\nExecStart=\n',
  ],
  ...[
    '\nLimitNOFILE=1e9\n',
    '\nStandardOutput=append:/\n',
    '\nWorkingDirectory=/a/\n',
    '\nStartLimitBurst=99999999999\n',
    `\nDescription=${'x'.repeat(5000)}\n`,
  ],
);
/** So many times something is put in, taken out, or in place of something else. */
const edits = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(8), odd), { maxLength: 5 });

const secretLine = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(
    `Environment=A=1 DB_PASSWORD=${secret}`,
    `Environment="URL=https://user:${secret}@host/"`,
    `ExecStartPre=/bin/x --password ${secret} --token=${secret}`,
    `API_TOKEN=${secret}`,
  ),
);

it(`makes services that are valid and shows no secret, whatever it reads (seed ${SEED})`, () => {
  const unit = fc.constantFrom('web.service', 'Web@a-b\\x2dc.service', 'user@1000.service');
  const manager = fc.constantFrom('system' as const, 'user' as const);
  fc.assert(
    fc.property(
      unit,
      manager,
      fc.constantFrom(...texts),
      edits,
      secretLine,
      (name, manager, text, all, [place, line]) => {
        const edited = all.reduce((now, [where, length, put]) => {
          const at = Math.floor(where * now.length);
          return now.slice(0, at) + put + now.slice(at + length);
        }, text);
        const lines = edited.split('\n');
        lines.splice(Math.floor(place * lines.length), 0, line);
        const found = importUnitText(name, lines.join('\n'), { manager });
        expect(JSON.stringify({ ...found, secrets: {} })).not.toContain(secret);
        if (found.kind === 'refused') return;
        expect(checkSchema('service', found.service)).toEqual([]);
        expect(define(serviceOf(found), { ...OPTIONS, manager })).toHaveProperty('hash');
      },
    ),
    { seed: SEED, numRuns: RUNS },
  );
}, 600_000);
