/**
 * Records entries 1, 2, 3… in the journal of a folder, some alone and some together, until it is killed. Says on stdout
 * which one it is about to record. Argument 1: the folder; 2: `stays` or `once`; 3: how many, for ever where it is absent.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openJournal } from '../../../src/journal/journal.ts';

const [stateDir = '', mode = 'stays', count = 'Infinity'] = process.argv.slice(2);
using journal = openJournal({
  stateDir,
  stays: mode === 'stays',
  onTrouble: ({ summary }) => writeSync(2, `${summary}\n`),
  // Moved into the database all the time, so that it is killed there too.
  bounds: { tail: 20_000 },
});
for (let n = 1; n <= Number(count); n += 1) {
  writeSync(1, `${n}\n`);
  journal.record([
    { at: Date.now(), kind: 'counted', service: `s${n % 7}`, level: 'info', text: `event ${n}`, data: { n } },
  ]);
  if (Math.random() < 0.01) await sleep(Math.random() * 300);
}
