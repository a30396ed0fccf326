import { expect, it } from 'vitest';
import { MANAGER_DEFAULTS } from '../../../../src/import/units/source.ts';
import { defaultsIn, directivesIn } from '../../../../src/import/units/systemd.ts';

it('takes what a manager has for units that say nothing, and systemd’s own where it can not be asked', () => {
  const text = 'DefaultTimeoutStopUSec=1min 30s\nDefaultRestartUSec=250ms\nDefaultStartLimitIntervalUSec=infinity\n';
  expect(defaultsIn(`${text}DefaultStartLimitBurst=7\n`)).toEqual({
    stopTimeout: 90e6,
    restartDelay: 250e3,
    startLimitInterval: Number.POSITIVE_INFINITY,
    startLimitBurst: 7,
  });
  expect(defaultsIn('')).toEqual(MANAGER_DEFAULTS);
});

it('knows what directives a systemd says it knows', () => {
  const text = '[Unit]\nDescription=STRING\n\n[Service]\nType=SERVICETYPE\nIODeviceLatencyTargetSec=DEVICELATENCY\n';
  expect([...directivesIn(text)]).toEqual(['Unit.Description', 'Service.Type', 'Service.IODeviceLatencyTargetSec']);
});
