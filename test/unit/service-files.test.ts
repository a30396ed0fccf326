import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { instanceOf } from '../../src/desired/instances.ts';
import type { Instance } from '../../src/instance.ts';
import { withInstances } from '../../src/instances.ts';
import type { Actual, Definition, Desired, Service } from '../../src/model.ts';
import { removalOf, writesFor } from '../../src/planner/files.ts';
import { withServiceFiles } from '../../src/service-files.ts';
import { folder } from './desired/folder.ts';
import { desired, RUNNING } from './planner/make.ts';

const ID = 'supervisord-dolphin';

/** What runs an instance whose configuration is in a folder of the test's own, and what its supervisor makes of it. */
function runner(more: object = {}, config = join(folder(), 'dolphin.conf')) {
  const places = { root: true, runtime: '/run', logDir: '/var/log/reconciled' };
  const declared: Desired = {
    revision: { content: '0' },
    policy: { owner: 'default', prune: { kind: 'off' }, written: {} },
    services: [],
    instances: [instanceOf('dolphin', 'supervisors/dolphin.yaml', { config, ...more }, places)],
    locate: () => undefined,
  };
  const [service] = withInstances(declared, '/run').services as readonly [Service];
  const text = service.files?.[0]?.text ?? '';
  const definition: Definition = {
    hash: 'h',
    fields: { restartOn: [[config, service.inputs[`restartOn:${config}`] ?? '']] },
    files: [{ path: '/etc/unit', text: 'unit', made: '1' }],
  };
  return { service, text, config, definition, instances: declared.instances };
}

function look(
  {
    service,
    definition,
    instances = [],
  }: {
    readonly service?: Service;
    readonly definition: Definition;
    readonly instances?: readonly Instance[];
  },
  before?: Definition,
) {
  const object: Actual = {
    kind: 'actual',
    id: ID,
    owner: { kind: 'ours' },
    definition: before ?? definition,
    run: RUNNING,
    restarts: 0,
  };
  const looked = withServiceFiles(
    { ...desired(service === undefined ? [] : [service]), instances },
    new Map(service === undefined ? [] : [[ID, definition]]),
    new Map([['systemd', { kind: 'read', objects: before === undefined ? [] : [object] }]]),
  );
  const reading = looked.observed.get('systemd');
  const found = reading?.kind === 'read' ? (reading.objects[0] as Actual | undefined) : undefined;
  const wanted = looked.definitions.get(ID);
  const same = JSON.stringify(found?.definition.fields) === JSON.stringify(wanted?.fields);
  const gone = wanted === undefined && found !== undefined;
  const { files = [] } = gone ? removalOf(found) : writesFor(found, wanted, same);
  return { problem: looked.problems.get(ID), edited: found?.definition.edited, files };
}

describe('the files that a service brings along', () => {
  it('are written where there are none', () => {
    const made = runner();
    expect(look(made).files).toEqual([
      { path: '/etc/unit', to: 'unit' },
      { path: made.config, to: made.text },
    ]);
  });

  it('are left where they are as they should be', () => {
    const made = runner();
    writeFileSync(made.config, made.text);
    expect(look(made, made.definition)).toEqual({ problem: undefined, edited: undefined, files: [] });
  });

  it('are changed with what they are made from', () => {
    const made = runner();
    writeFileSync(made.config, made.text);
    const next = runner({ minfds: 2048 }, made.config);
    expect(look(next, made.definition).files).toEqual([{ path: made.config, from: made.text, to: next.text }]);
  });

  it('are known to be edited, or gone, though what they are made from is the same', () => {
    const made = runner();
    expect(look(made, made.definition)).toMatchObject({ edited: true, files: [{ path: made.config, to: made.text }] });
    const edited = made.text.replace('loglevel=info', 'loglevel=debug');
    writeFileSync(made.config, edited);
    expect(look(made, made.definition)).toMatchObject({
      edited: true,
      files: [{ path: made.config, from: edited, to: made.text }],
    });
    writeFileSync(made.config, '[supervisord]\n');
    expect(look(made, made.definition)).toMatchObject({ problem: undefined, edited: true });
  });

  it('are taken over where only they are left of one of ours', () => {
    const made = runner();
    writeFileSync(made.config, made.text);
    const next = runner({ minfds: 2048 }, made.config);
    expect(look(next).files).toContainEqual({ path: made.config, from: made.text, to: next.text });
    expect(look(made).files).toEqual([{ path: '/etc/unit', to: 'unit' }]);
  });

  it("are never written over somebody else's", () => {
    const made = runner();
    for (const [text, whose] of [
      ['[supervisord]\n', 'somebody else wrote it'],
      [made.text.replace('Owner=default', 'Owner=red'), `it is ${ID} of owner 'red'`],
      [made.text.replace('Instance=dolphin', 'Instance=whale'), "it is supervisord-whale of owner 'default'"],
    ] as const) {
      writeFileSync(made.config, text);
      expect(look(made).problem?.summary).toBe(`cannot write ${made.config} for ${ID}: ${whose}`);
      expect(look(made).problem?.code).toBe('bad-definition');
      // It is another path than before.
      const before = { ...made.definition, fields: { restartOn: [['/etc/elsewhere.conf', 'x']] } };
      expect(look(made, before).problem?.summary).toContain(whose);
    }
  });

  it('go from where they were, where they are elsewhere now or not wanted any more', () => {
    const made = runner();
    writeFileSync(made.config, made.text);
    const moved = runner({}, join(folder(), 'dolphin.conf'));
    expect(look(moved, made.definition).files).toEqual(
      [
        { path: made.config, from: made.text },
        { path: moved.config, to: moved.text },
      ].sort((a, b) => (a.path < b.path ? -1 : 1)),
    );
    expect(look({ definition: made.definition }, made.definition).files).toContainEqual({
      path: made.config,
      from: made.text,
    });
    // But not what somebody has put there.
    writeFileSync(made.config, '[supervisord]\n');
    expect(look(moved, made.definition).files).toEqual([{ path: moved.config, to: moved.text }]);
  });

  it.runIf(process.getuid?.() === 0)('are never written by root where others can write', () => {
    const made = runner();
    expect(look(made).problem).toBeUndefined();
    chmodSync(join(made.config, '..'), 0o777);
    expect(look(made).problem).toMatchObject({
      code: 'bad-definition',
      summary: expect.stringMatching(/^cannot write to .* as root: others can write /),
    });
  });

  it('can not be told where they can not be read', () => {
    const made = runner({}, folder());
    expect(look(made).problem?.summary).toContain(`cannot write ${made.config} for ${ID}: `);
  });
});
