import { describe, expect, it } from 'vitest';
import { capture } from '../../../src/capture/what.ts';
import type { Actual, Definition, Run, Service } from '../../../src/model.ts';
import { defineWhole } from '../../../src/supervisors/systemd/whole.ts';
import { service } from '../planner/make.ts';

const OPTIONS = { manager: 'system', unitDir: '/etc/systemd/system', owner: 'default', version: 252 } as const;
const define = (of: Service) => defineWhole(of, OPTIONS);
const web = (written: object = {}): Service => {
  const { state = 'running', autostart = true } = written as Partial<Service>;
  return { ...service('web', { written: written as Service['written'] }), supervisor: 'systemd', state, autostart };
};
const RUNNING: Run = { kind: 'running', pid: 7, since: 0, definition: 'current' };
const there = (of: Service, more: Partial<Actual> & { readonly edit?: (text: string) => string } = {}): Actual => {
  const { edit = (text: string) => text, ...actual } = more;
  const definition = define(of) as Definition;
  const files = (definition.files ?? []).map((file) => ({ path: file.path, text: edit(file.text) }));
  return {
    ...{ kind: 'actual', id: 'web', owner: { kind: 'ours' }, run: RUNNING, restarts: 0 },
    definition: { hash: definition.hash, fields: definition.fields, files, boot: 'enabled' },
    ...actual,
  };
};
const captured = (of: Service, actual: Actual | undefined) => capture(of, actual, define(of) as Definition, define);

describe('what is written of a service', () => {
  it('is nothing where it is as Git says', () => {
    expect(captured(web(), there(web()))).toEqual({ edits: [], left: [] });
  });

  it('is its run state, as somebody left it', () => {
    const stopped: Run = { kind: 'stopped', started: true, byHand: true };
    const of = web({ autostart: true });
    const boot = { ...there(of).definition, boot: 'disabled' } as const;
    expect(captured(of, there(of, { run: stopped, definition: boot })).edits).toEqual([
      { kind: 'set', path: ['state'], value: 'stopped' },
      { kind: 'remove', path: ['autostart'] },
    ]);
    const down = { ...web({ state: 'stopped' }), autostart: false };
    expect(captured(down, there(down)).edits).toEqual([{ kind: 'set', path: ['state'], value: 'running' }]);
    const masked = { ...there(of).definition, boot: 'blocked' } as const;
    expect(captured(of, there(of, { run: stopped, definition: masked })).edits[0]).toEqual({
      ...{ kind: 'set', path: ['state'], value: 'disabled' },
    });
    expect(captured(of, undefined).left).toHaveLength(1);
  });

  it('is whether it starts at boot', () => {
    const definition = { ...there(web()).definition, boot: 'disabled' } as const;
    expect(captured(web(), there(web(), { definition })).edits).toEqual([
      { kind: 'set', path: ['autostart'], value: false },
    ]);
  });

  it('is each edited line that a field, or a line of raw, gives exactly; the rest is named', () => {
    const of = web({ stop: { timeout: '30s' }, environment: { A: '1' } });
    const edit = (text: string) =>
      text
        .replace('TimeoutStopSec=30s', 'TimeoutStopSec=45s')
        .replace('Environment="A=1"', 'Environment="A=2"')
        .replace('Environment=A=1', 'Environment=A=2')
        .replace('[Service]\n', '[Service]\nLimitNOFILE=4096\nOOMScoreAdjust=-500\n')
        .replace('UMask=0022\n', '');
    const { edits, left } = captured(of, there(of, { edit }));
    expect(edits).toEqual(
      expect.arrayContaining([
        { kind: 'set', path: ['stop', 'timeout'], value: '45s' },
        { kind: 'set', path: ['environment', 'A'], value: '2' },
        { kind: 'set', path: ['limits', 'openFiles'], value: 4096 },
        { kind: 'add', path: ['raw', 'systemd'], value: ['Service', 'OOMScoreAdjust', '-500'] },
      ]),
    );
    expect(edits).toHaveLength(4);
    expect(left).toEqual([expect.stringContaining('UMask=0022: was taken out, which no field says')]);
  });
});
