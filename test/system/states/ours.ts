import type { SystemdHost } from '../../rig/systemd/host.ts';
import { type Shown, variable } from '../../rig/systemd/units.ts';
import { type Pair, pairsOf, STATES, type Start } from './pairs.ts';

const UNITS = '/etc/systemd/system';
const BLOCK = '99-reconciled-disabled.conf';
const MASK = `for u; do ln -sf /dev/null ${UNITS}/$u.service; done; systemctl daemon-reload`;
const REMOVE = `for u; do rm ${UNITS}/$u.service; done; systemctl daemon-reload`;
const EDIT_ONE = `sed -i s/MARK=declared/MARK=edited/ ${UNITS}/$u.service`;
const EDIT = `for u; do ${EDIT_ONE}; done`;

const up = ({ active, pid }: Shown) => active === 'active' && pid > 0;
const failed = ({ active }: Shown) => active === 'failed';

/** Those that end with a daemon-reload come before those that are to be seen without one. */
const STARTS: readonly Start[] = [
  { name: 'absent', from: [undefined] },
  { name: 'untouched', from: ['running', 'stopped', 'manual', 'disabled'] },
  { name: 'halted', from: ['running'], byHand: 'systemctl stop "$@"' },
  { name: 'started', from: ['stopped', 'manual'], byHand: 'systemctl start "$@"', until: up },
  {
    name: 'unblocked',
    from: ['disabled'],
    byHand: `for u; do rm -r ${UNITS}/$u.service.d; done; systemctl daemon-reload; systemctl start "$@"`,
    until: up,
  },
  {
    name: 'spent',
    from: ['running'],
    byHand: 'for u; do touch /run/fail/$u; done; systemctl kill "$@"',
    until: failed,
    except: 'running',
  },
  { name: 'fatal', from: ['running'], broken: true, failed: true, except: 'running' },
  { name: 'masked', from: ['running', 'stopped', 'disabled'], byHand: MASK },
  { name: 'halted-masked', from: ['running'], byHand: `systemctl stop "$@"; ${MASK}` },
  { name: 'masked-at-runtime', from: ['running', 'stopped'], byHand: 'systemctl mask --runtime "$@"' },
  {
    name: 'dropped-in',
    from: ['running', 'stopped'],
    byHand: `for u; do mkdir ${UNITS}/$u.service.d; printf '[Service]\\nNice=5\\n' >${UNITS}/$u.service.d/10-other.conf; done
      systemctl daemon-reload`,
    besides: true,
  },
  {
    name: 'enabled-elsewhere',
    from: ['running', 'stopped', 'disabled'],
    byHand: `mkdir -p ${UNITS}/graphical.target.wants
      for u; do ln -s ${UNITS}/$u.service ${UNITS}/graphical.target.wants/; done; systemctl daemon-reload`,
  },
  { name: 'unlinked', from: ['running'], byHand: 'systemctl disable "$@"' },
  { name: 'removed', from: ['running', 'stopped', 'disabled'], byHand: REMOVE },
  { name: 'halted-removed', from: ['running'], byHand: `systemctl stop "$@"; ${REMOVE}` },
  { name: 'emptied', from: ['running'], byHand: `for u; do : >${UNITS}/$u.service; done; systemctl daemon-reload` },
  {
    name: 'edited-restarted',
    from: ['running'],
    byHand: `${EDIT}; systemctl daemon-reload; systemctl restart "$@"`,
    strange: true,
  },
  { name: 'edited-loaded', from: ['running', 'stopped'], byHand: `${EDIT}; systemctl daemon-reload` },
  {
    name: 'edited-keeping-its-time',
    from: ['running'],
    byHand: `for u; do touch -r ${UNITS}/$u.service /run/time; ${EDIT_ONE}; touch -r /run/time ${UNITS}/$u.service; done`,
  },
  { name: 'edited', from: ['running', 'stopped', 'disabled'], byHand: EDIT },
];

export const OURS = pairsOf(STARTS, STATES);

/** All that is not as the pair's state wants it. */
export function faultsOfOurs(host: SystemdHost, { unit, start, state }: Pair, was: Shown, is: Shown): string[] {
  const file = `${UNITS}/${unit}.service`;
  const text = host.exists(file) ? host.read(file) : '';
  const faults: string[] = [];
  const must = (what: string, so: boolean) => {
    if (!so) faults.push(what);
  };
  const runs = is.active === 'active' && is.pid > 0;
  const rests = is.pid === 0 && (is.active === 'inactive' || (start.failed === true && is.active === 'failed'));
  if (state !== 'absent') {
    must('is loaded', is.load === 'loaded');
    must('has its file', text.includes('MARK=declared'));
    must('is blocked where disabled', host.exists(`${file}.d/${BLOCK}`) === (state === 'disabled'));
  }
  must("keeps somebody else's drop-in", !start.besides || host.exists(`${file}.d/10-other.conf`));
  const keeps = was.pid > 0 && !start.strange;
  switch (state) {
    case 'running':
      must('runs', runs);
      must('starts at boot', is.fileState === 'enabled');
      must('was started as Git has it', runs && variable(host, is.pid, 'MARK') === 'declared');
      must('keeps its process', !keeps || is.pid === was.pid);
      break;
    case 'manual':
      must('is left running, or not', is.pid === was.pid);
      break;
    case 'stopped':
    case 'disabled':
      must('does not run', rests);
      must('does not start at boot', is.fileState === 'disabled');
      break;
    case 'absent':
      must('is gone', rests && text === '' && ['not-found', 'masked'].includes(is.load));
      must('has no block', !host.exists(`${file}.d/${BLOCK}`));
  }
  return faults;
}
