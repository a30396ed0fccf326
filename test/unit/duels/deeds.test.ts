import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deedsOf } from '../../../src/duels/deeds.ts';

/** `verb names`, with `?` where it is only a part of a text for a shell. */
function said(argv: readonly string[]): string[] {
  return deedsOf(argv).map(({ verb, target, inText }) => {
    const what =
      target.kind === 'pids'
        ? target.pids.join(' ')
        : target.kind === 'pattern'
          ? `/${target.pattern}/${target.whole ? 'f' : ''}${target.exact ? 'x' : ''}`
          : target.names.join(' ');
    const where = target.kind === 'programs' ? ` @${target.config ?? target.server ?? ''}` : '';
    return `${verb} ${what}${where}${inText ? ' ?' : ''}`;
  });
}
const of = (text: string) => said(text.split(' '));

describe('what a command line does to services', () => {
  it('knows units by systemctl, service, initctl and the bus', () => {
    expect(of('systemctl restart a b.service')).toEqual(['restart a b.service']);
    expect(of('/usr/bin/systemctl --no-block --quiet restart web')).toEqual(['restart web']);
    expect(of('systemctl kill -s KILL web')).toEqual(['kill web']);
    expect(of('systemctl disable --now web')).toEqual(['stop web']);
    expect(of('systemctl reload-or-restart web')).toEqual(['restart web']);
    expect(deedsOf('systemctl --user restart web'.split(' '))).toMatchObject([{ target: { user: true } }]);
    expect(of('/bin/sh /usr/sbin/service web restart')).toEqual(['restart web']);
    expect(of('initctl restart web')).toEqual(['restart web']);
    expect(
      of(
        'busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager RestartUnit ss web.service replace',
      ),
    ).toEqual(['restart web.service']);
    expect(
      of(
        'dbus-send --system --dest=org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager.StopUnit string:web.service string:replace',
      ),
    ).toEqual(['stop web.service']);
  });

  it('leaves out what only looks, what another machine is asked, and what is about no service', () => {
    for (const text of [
      'systemctl status web',
      'systemctl show -p MainPID web',
      'systemctl is-active web',
      'systemctl disable web',
      'systemctl -H other restart web',
      'systemctl daemon-reload',
      'supervisorctl status',
      'supervisorctl tail web',
      'kill -0 12',
      'kill -l',
      'busctl list',
      'grep systemctl restart web',
      'vi systemctl',
      'python3 -c systemctl',
      '',
    ]) {
      expect([text, of(text)]).toEqual([text, []]);
    }
  });

  it('knows programs, and the supervisord that is meant', () => {
    expect(of('supervisorctl -c /etc/s.conf restart dolphin:web')).toEqual(['restart dolphin:web @/etc/s.conf']);
    expect(of('/usr/bin/python3 /usr/bin/supervisorctl -s unix:///run/s.sock stop all')).toEqual([
      'stop all @unix:///run/s.sock',
    ]);
    expect(of('supervisorctl signal HUP web')).toEqual(['kill web @']);
    expect(of('supervisorctl reload')).toEqual(['restart all @']);
    expect(of('supervisorctl update')).toEqual(['restart all @']);
  });

  it('knows processes by their numbers and names', () => {
    expect(of('kill 12 13')).toEqual(['kill 12 13']);
    expect(of('kill -9 12')).toEqual(['kill 12']);
    expect(of('kill -TERM -- -12')).toEqual(['kill -12']);
    expect(of('kill -s KILL 12')).toEqual(['kill 12']);
    expect(of('pkill -9 -f web.py')).toEqual(['kill /web.py/f']);
    expect(of('pkill -x web')).toEqual(['kill /web/x']);
    expect(of('killall -9 web api')).toEqual(['kill /web/x', 'kill /api/x']);
  });

  it('looks through what only runs it', () => {
    expect(of('sudo -u root systemctl restart web')).toEqual(['restart web']);
    expect(of('timeout 10 systemctl restart web')).toEqual(['restart web']);
    expect(of('env A=1 nice -n 5 systemctl restart web')).toEqual(['restart web']);
    expect(said(['sh', '-c', 'systemctl restart web >/dev/null 2>&1'])).toEqual(['restart web']);
  });

  it('says of a longer text for a shell only that it is in there', () => {
    const loop = 'while true; do curl -s x || systemctl restart "web.service" api; sleep 2; done';
    expect(said(['bash', '-c', loop])).toEqual(['restart web.service api ?']);
    expect(said(['sh', '-c', 'sudo systemctl stop a && systemctl start a # systemctl kill x'])).toEqual([
      'stop a ?',
      'start a ?',
    ]);
  });

  it('takes any command line', () => {
    const word = fc.constantFrom(
      'sh',
      '-c',
      'systemctl',
      'restart',
      '-',
      '--',
      '-s',
      'sudo',
      'env',
      'kill',
      '-9',
      "'",
      '$(',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string())), (argv) => {
        deedsOf(argv);
      }),
    );
  });
});
