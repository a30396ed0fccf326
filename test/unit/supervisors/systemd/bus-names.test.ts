import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { busSocket } from '../../../../src/supervisors/shared/bus-address.ts';
import { escapeLabel, unescapeLabel, unitName, unitPath } from '../../../../src/supervisors/systemd/bus-path.ts';

describe('the object path of a unit', () => {
  it('is systemd’s own', () => {
    // As `busctl tree org.freedesktop.systemd1` shows them.
    const known = {
      'dbus.service': 'dbus_2eservice',
      'getty@tty1.service': 'getty_40tty1_2eservice',
      '-.mount': '_2d_2emount',
      'run-credentials-systemd\\x2dsysusers.service.mount':
        'run_2dcredentials_2dsystemd_5cx2dsysusers_2eservice_2emount',
      '9front_1.service': '_39front_5f1_2eservice',
      'ü.service': '_c3_bc_2eservice',
    };
    for (const [name, label] of Object.entries(known)) {
      expect(unitPath(name)).toBe(`/org/freedesktop/systemd1/unit/${label}`);
      expect(unitName(unitPath(name))).toBe(name);
    }
  });

  it('leads back to the name, whatever that is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const text = name.toWellFormed();
        const label = escapeLabel(text);
        expect(label).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
        expect(unescapeLabel(label)).toBe(text);
      }),
      { numRuns: 100 },
    );
  });

  it('is no job’s', () => {
    expect(unitName('/org/freedesktop/systemd1/job/1')).toBeUndefined();
    expect(unitName('/org/freedesktop/systemd1/unit/odd_zz')).toBe('odd_zz');
  });
});

describe('the socket of a bus', () => {
  const socket = (scope: 'system' | 'user', env: Record<string, string>) => busSocket(scope, env, 1000);

  it('is where systemd puts it', () => {
    expect(socket('system', {})).toBe('/run/dbus/system_bus_socket');
    expect(socket('user', { XDG_RUNTIME_DIR: '/run/user/1' })).toBe('/run/user/1/bus');
    expect(socket('user', {})).toBe('/run/user/1000/bus');
    expect(socket('user', { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/else' })).toBe('/run/user/1000/bus');
  });

  it('is where the environment says', () => {
    const at = (address: string) => socket('system', { DBUS_SYSTEM_BUS_ADDRESS: address });
    expect(at('unix:path=/run/a%20b,guid=12ab')).toBe('/run/a b');
    expect(at('tcp:host=a,port=1;unix:abstract=/tmp/x')).toBe('\0/tmp/x');
    expect(at('unix:runtime=yes')).toBe('/run/user/1000/bus');
    expect(at('unix:path=/100%')).toBe('/100%');
    expect(at('unixexec:path=/bin/sh')).toMatchObject({ code: 'bus-address' });
    expect(at('unix:tmpdir=/tmp')).toMatchObject({ code: 'bus-address' });
  });
});
