import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CronThing, createCronTaker } from '../../../src/things/cron.ts';
import { giveLines, keyOf, takeLines } from '../../../src/things/crontab.ts';

const LINE = '*/2 * * * * root /opt/check.sh --fix "a  b" # every two minutes';
const CRONTAB = `SHELL=/bin/sh\r
# ${LINE}
MAILTO=root

17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly
  */2  * * * *  root\t/opt/check.sh  --fix "a  b" # every two minutes \t
*/2 * * * * root /opt/check.sh --fix "a  b" # every two minutes, too
@reboot root /opt/at-boot.sh caf\u00e9
30 3 * * 0 root test -e /x`;

const NOW = new AbortController().signal;
const TAKEN = { owner: 'default', by: 'health@1', enabled: true, ran: false };
const cron = (line: string): CronThing => ({ kind: 'cron', line });

let root: string;
const path = (name: string) => join(root, name);
function write(name: string, text: string | Buffer): void {
  mkdirSync(dirname(path(name)), { recursive: true });
  writeFileSync(path(name), text);
}
const text = (name: string) => readFileSync(path(name), 'utf8');

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'reconciled-cron-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('finds a line by its words, whatever blanks are between them, and says where it is', async () => {
  write('etc/crontab', CRONTAB);
  const [there, boot, other] = await createCronTaker({ root }).look(
    [cron(LINE), cron('@reboot  root /opt/at-boot.sh café '), cron('*/2 * * * * root /opt/check.sh')],
    NOW,
  );
  expect(there).toEqual({ kind: 'there', processes: [], enabled: true, where: `${path('etc/crontab')}:6` });
  expect(boot).toMatchObject({ kind: 'there', where: `${path('etc/crontab')}:8` });
  expect(other).toEqual({ kind: 'absent' });
});

it('takes comments and variables for no lines', async () => {
  write('etc/crontab', `# ${LINE}\nMAILTO=root\n`);
  const states = await createCronTaker({ root }).look([cron(LINE), cron(`# ${LINE}`), cron('MAILTO=root')], NOW);
  expect(states.map(({ kind }) => kind)).toEqual(['absent', 'absent', 'absent']);
});

it('comments a line out in its place, and gives it back byte for byte, with owner and mode', async () => {
  write('etc/cron.d/health', CRONTAB);
  chmodSync(path('etc/cron.d/health'), 0o604);
  chownSync(path('etc/cron.d/health'), 0, 12);
  const taker = createCronTaker({ root });
  expect(await taker.block(cron(LINE), TAKEN, NOW)).toEqual({ kind: 'done' });
  const lines = text('etc/cron.d/health').split('\n');
  expect(lines[5]).toBe(
    '# reconciled v1 superseded owner=default by=health%401 enabled=true ran=false: ' +
      '  */2  * * * *  root\t/opt/check.sh  --fix "a  b" # every two minutes \t',
  );
  expect(lines.toSpliced(5, 1)).toEqual(CRONTAB.split('\n').toSpliced(5, 1));
  const { mode, gid } = statSync(path('etc/cron.d/health'));
  expect([mode & 0o7777, gid]).toEqual([0o604, 12]);

  const where = `${path('etc/cron.d/health')}:6`;
  const there = { kind: 'there', processes: [], enabled: false, blocked: 'for-good', taken: TAKEN, where };
  expect(await taker.look([cron(LINE)], NOW)).toEqual([there]);
  expect(await taker.taken('default', NOW)).toMatchObject([{ thing: { kind: 'cron' }, taken: TAKEN }]);
  expect(await taker.taken('other', NOW)).toEqual([]);

  const taken = text('etc/cron.d/health');
  expect(await taker.disable(cron(LINE), TAKEN, NOW)).toEqual({ kind: 'done' });
  expect(text('etc/cron.d/health')).toBe(taken);

  expect(await taker.restore(cron(LINE), TAKEN, true, NOW)).toEqual({ kind: 'done' });
  expect(text('etc/cron.d/health')).toBe(CRONTAB);
  expect(await taker.restore(cron(LINE), TAKEN, true, NOW)).toEqual({ kind: 'done' });
  expect(text('etc/cron.d/health')).toBe(CRONTAB);
  expect(readdirSync(path('etc/cron.d'))).toEqual(['health']);
});

it('takes a line wherever it stands: in the tabs of users, behind links, but not in what cron does not read', async () => {
  const line = '@reboot /home/x/run.sh';
  for (const name of ['var/spool/cron/crontabs/x', 'var/spool/cron/y', 'var/spool/cron/tabs/z'])
    write(name, `${line}\n`);
  write('etc/cron.d/old~', `${line}\n`);
  write('etc/cron.d/.placeholder', `${line}\n`);
  write('srv/tab', `${line}\n`);
  symlinkSync(path('srv/tab'), path('etc/cron.d/linked'));
  const taker = createCronTaker({ root });
  const [state] = await taker.look([cron(line)], NOW);
  expect(state).toMatchObject({
    where: ['etc/cron.d/linked', 'var/spool/cron/crontabs/x', 'var/spool/cron/tabs/z', 'var/spool/cron/y']
      .map((name) => `${path(name)}:1`)
      .join(', '),
  });
  await taker.disable(cron(line), TAKEN, NOW);
  for (const name of ['var/spool/cron/crontabs/x', 'var/spool/cron/y', 'var/spool/cron/tabs/z', 'srv/tab']) {
    expect(text(name)).toBe(`# reconciled v1 superseded owner=default by=health%401 enabled=true ran=false: ${line}\n`);
  }
  expect(lstatSync(path('etc/cron.d/linked')).isSymbolicLink()).toBe(true);
  expect(text('etc/cron.d/old~')).toBe(`${line}\n`);
});

it('keeps bytes that are no UTF-8', async () => {
  const bytes = Buffer.from(`# caf\xe9\n${LINE}\n0 0 * * * root echo \xff\xfe\r\n`, 'latin1');
  write('etc/crontab', bytes);
  const taker = createCronTaker({ root });
  await taker.disable(cron(LINE), TAKEN, NOW);
  await taker.restore(cron(LINE), TAKEN, false, NOW);
  expect(readFileSync(path('etc/crontab')).equals(bytes)).toBe(true);
});

it('says that a line may be somewhere where it can not read', async () => {
  write('etc/crontab', `${LINE}\n`);
  mkdirSync(path('var/spool/cron'), { recursive: true });
  symlinkSync(path('var/spool/cron/loop'), path('var/spool/cron/loop'));
  const [state] = await createCronTaker({ root }).look([cron(LINE)], NOW);
  expect(state).toMatchObject({
    kind: 'unreadable',
    problem: {
      summary: `cannot look for lines of crontabs: ${path('var/spool/cron/loop')}: too many symbolic links`,
    },
  });
  expect(existsSync(path('etc/crontab'))).toBe(true);
});

it('does not take what another owner has taken, nor give it back', async () => {
  write('etc/crontab', `${LINE}\n`);
  const taker = createCronTaker({ root });
  await taker.disable(cron(LINE), { ...TAKEN, owner: 'other' }, NOW);
  write('etc/crontab', `${text('etc/crontab')}${LINE}\n`);
  const both = text('etc/crontab');
  expect(await taker.disable(cron(LINE), TAKEN, NOW)).toMatchObject({
    kind: 'failed',
    problem: { code: 'taken-by-another' },
  });
  await taker.restore(cron(LINE), TAKEN, false, NOW);
  expect(text('etc/crontab')).toBe(both);
});

it('leaves a line that somebody has written again as the only one', async () => {
  write('etc/crontab', `${LINE}\n`);
  const taker = createCronTaker({ root });
  await taker.disable(cron(LINE), TAKEN, NOW);
  write('etc/crontab', `${text('etc/crontab')}${LINE}\n`);
  expect(await taker.look([cron(LINE)], NOW)).toMatchObject([{ enabled: true, taken: TAKEN }]);
  await taker.restore(cron(LINE), TAKEN, false, NOW);
  expect(text('etc/crontab')).toBe(`${LINE}\n`);
});

it('gives any file back byte for byte', () => {
  const piece = fc.constantFrom('* * * * * a', ' * * * * *  a', '@daily b', '# c', 'X=1', '', '\r', '\t', '\xe9');
  const file = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('\n'));
  fc.assert(
    fc.property(file, fc.constantFrom('* * * * * a', '@daily b'), (bytes, line) => {
      const taken = takeLines(bytes, keyOf(line), TAKEN);
      expect(takeLines(taken, keyOf(line), TAKEN)).toBe(taken);
      expect(giveLines(taken, keyOf(line), 'default')).toBe(bytes);
    }),
  );
});
