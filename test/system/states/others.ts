import type { SystemdHost } from '../../rig/systemd/host.ts';
import { type Shown, variable } from '../../rig/systemd/units.ts';
import { type Pair, pairsOf, STATES, type Start } from './pairs.ts';

const UNITS = '/etc/systemd/system';
const VENDOR = '/usr/lib/systemd/system';
const SETTINGS = '50-reconciled.conf';
const EDIT = `for u; do sed -i s/MARK=declared/MARK=edited/ ${UNITS}/$u.service.d/${SETTINGS}; done`;

const up = ({ active, pid }: Shown) => active === 'active' && pid > 0;
const failed = ({ active }: Shown) => active === 'failed';

/** As of ours: those that end with a daemon-reload come first. */
const STARTS: readonly Start[] = [
  { name: 'missing', from: [undefined], missing: true, except: 'running' },
  { name: 'untouched', from: [undefined, 'running', 'stopped', 'manual', 'disabled'] },
  { name: 'running', from: [undefined, 'stopped'], byHand: 'systemctl enable --now "$@"', until: up },
  { name: 'started', from: [undefined, 'stopped', 'manual'], byHand: 'systemctl start "$@"', until: up },
  { name: 'halted', from: [undefined, 'running'], byHand: 'systemctl start "$@"; systemctl stop "$@"' },
  {
    name: 'failed',
    from: [undefined],
    byHand: 'for u; do touch /run/fail/$u; done; systemctl start "$@"',
    until: failed,
    failed: true,
    except: 'running',
  },
  { name: 'masked', from: [undefined, 'running'], byHand: 'systemctl start "$@"; systemctl mask "$@"' },
  { name: 'halted-masked', from: [undefined, 'running'], byHand: 'systemctl stop "$@"; systemctl mask "$@"' },
  {
    name: 'masked-at-runtime',
    from: [undefined, 'running'],
    byHand: 'systemctl start "$@"; systemctl mask --runtime "$@"',
  },
  {
    name: 'unmasked',
    from: ['disabled'],
    byHand: 'systemctl unmask "$@"; systemctl enable --now "$@"',
    until: up,
  },
  { name: 'unlinked', from: ['running'], byHand: 'systemctl disable "$@"' },
  {
    name: 'edited',
    from: [undefined, 'running'],
    byHand: `for u; do sed s/others/somebody/ ${VENDOR}/$u.service >${UNITS}/$u.service; done; systemctl daemon-reload`,
    unmaskable: true,
  },
  { name: 'own', own: true, unmaskable: true, from: [undefined, 'running', 'stopped', 'disabled'] },
  { name: 'own-enabled', own: true, unmaskable: true, from: ['disabled'], byHand: 'systemctl enable "$@"' },
  {
    name: 'dropped-in',
    from: [undefined, 'running', 'stopped'],
    byHand: `for u; do mkdir ${UNITS}/$u.service.d; printf '[Service]\\nNice=5\\n' >${UNITS}/$u.service.d/10-other.conf; done
      systemctl daemon-reload`,
    besides: true,
  },
  {
    name: 'enabled-elsewhere',
    from: [undefined, 'running', 'stopped'],
    byHand: `mkdir -p ${UNITS}/graphical.target.wants
      for u; do ln -s ${VENDOR}/$u.service ${UNITS}/graphical.target.wants/; done; systemctl daemon-reload`,
  },
  { name: 'set-untouched', settings: true, from: [undefined, 'running', 'stopped', 'manual', 'disabled'] },
  {
    name: 'set-unset',
    settings: true,
    from: [undefined, 'stopped'],
    byHand: `for u; do rm -rf ${UNITS}/$u.service.d; done; systemctl daemon-reload; systemctl start "$@"`,
    until: up,
    strange: true,
    unset: true,
  },
  { name: 'set-masked', settings: true, from: ['running', 'stopped'], byHand: 'systemctl mask "$@"' },
  {
    name: 'set-removed',
    settings: true,
    from: ['running', 'stopped'],
    byHand: `for u; do rm -r ${UNITS}/$u.service.d; done; systemctl daemon-reload`,
  },
  {
    name: 'set-edited-restarted',
    settings: true,
    from: ['running'],
    byHand: `${EDIT}; systemctl daemon-reload; systemctl restart "$@"`,
    strange: true,
  },
  { name: 'set-edited', settings: true, from: ['running', 'stopped', 'disabled'], byHand: EDIT },
];

/** A unit of others is never removed. */
export const OTHERS = pairsOf(
  STARTS,
  STATES.filter((state) => state !== 'absent'),
  { unit: 'pkg-', service: 'of-' },
);

/** All that is not as the pair's state wants it. */
export function faultsOfOthers(host: SystemdHost, { unit, start, state }: Pair, was: Shown, is: Shown): string[] {
  const faults: string[] = [];
  const must = (what: string, so: boolean) => {
    if (!so) faults.push(what);
  };
  const dropIns = `${UNITS}/${unit}.service.d`;
  const runs = is.active === 'active' && is.pid > 0;
  const rests = is.pid === 0 && (is.active === 'inactive' || (start.failed === true && is.active === 'failed'));
  const file = `${start.own ? UNITS : VENDOR}/${unit}.service`;
  must('has its own file as it was', start.missing === true || host.read(file).includes('of others'));
  must("keeps somebody else's drop-in", !start.besides || host.exists(`${dropIns}/10-other.conf`));
  const settings = host.exists(`${dropIns}/${SETTINGS}`) ? host.read(`${dropIns}/${SETTINGS}`) : '';
  must('has its settings', settings.includes('MARK=declared') === (start.settings === true));
  switch (state) {
    case 'running':
      must('runs', runs);
      must('starts at boot', is.fileState === 'enabled');
      must('has its settings', !start.settings || (runs && variable(host, is.pid, 'MARK') === 'declared'));
      must('keeps its process', was.pid === 0 || start.strange === true || is.pid === was.pid);
      break;
    case 'manual':
      must('is left running, or not', is.pid === was.pid);
      break;
    case 'stopped':
      must('does not run', rests);
      must('does not start at boot', is.fileState === (start.missing ? '' : 'disabled'));
      break;
    case 'disabled':
      must('does not run', rests);
      must('is masked', start.unmaskable === true || is.fileState === 'masked');
      must(
        'is blocked where it can have no mask',
        !start.unmaskable || host.exists(`${dropIns}/99-reconciled-disabled.conf`),
      );
      must('does not start at boot', !start.unmaskable || is.fileState === 'disabled');
  }
  return faults;
}
