import { Failure } from '../../problem.ts';
import { nameOfThing, type Taken, type ThingState } from '../../thing.ts';
import { readBytes } from '../shared/edit.ts';
import { demandOwner, Marks } from '../shared/taken-marks.ts';
import { attempt, problemOf } from '../shared/takings.ts';
import type { Taker } from '../taker.ts';
import { readConfig, type SupervisordConfig } from './config-file.ts';
import { giveAutostart, type TakenLine, takeAutostart, takenLinesIn } from './taker-edit.ts';
import {
  demandProgram,
  mainsOf,
  type ProgramThing,
  programIn,
  type Reached,
  reach,
  whyNotAsked,
} from './taker-find.ts';
import { startProgram, stopProgram, treeBelow } from './taker-run.ts';

export interface ProgramTakerOptions {
  readonly runtimeDir: string;
  readonly stateDir: string;
}

/**
 * Takes programs of others from their supervisord, whoever runs that. What a supervisord has stopped stays stopped until
 * somebody starts it: to block it is to remember who has taken it, and a person can start it all the same. To disable it
 * is to write autostart=false into its section where it stands, with what was there in a comment above. supervisord is
 * not told to read that: it would also read what others have changed and not applied, and restart for it. It
 * reads it when it starts, which is when autostart counts.
 */
export function createProgramTaker({ runtimeDir, stateDir }: ProgramTakerOptions): Taker<ProgramThing> {
  const marks = new Marks<ProgramThing>('program', runtimeDir, stateDir);

  const stateOf = (thing: ProgramThing, read: SupervisordConfig, { presence }: Reached): ThingState => {
    const sought = demandProgram(thing, read);
    const { said } = sought;
    const pid = 'pid' in presence ? presence.pid : undefined;
    const because = pid === undefined ? whyNotAsked(thing.config, presence) : undefined;
    if (because !== undefined) throw new Failure({ code: 'supervisord-unreadable', summary: because });
    const mains = mainsOf(presence, sought);
    const line = said === undefined ? undefined : takenIn(read, said.section.name)[0];
    const mark = marks.of(thing);
    // Of several processes each is taken by itself, and all with the same line.
    const taken = sought.isPart ? mark?.taken : (line?.taken ?? mark?.taken);
    if (said === undefined && mains.length === 0 && taken === undefined) return { kind: 'absent' };
    const isOffForOthers = sought.isPart && mark === undefined && line?.taken.enabled === true;
    const enabled = (said?.options.autostart ?? false) || isOffForOthers;
    const forGood = mark?.blocked === 'for-good' && !enabled;
    return {
      kind: 'there',
      processes: mains.length === 0 ? [] : treeBelow(mains, pid),
      enabled,
      ...(mark?.blocked === undefined ? {} : { blocked: forGood ? 'for-good' : 'until-boot' }),
      ...(taken === undefined ? {} : { taken }),
      where: said === undefined ? thing.config : `${said.section.source.path}:${said.section.line}`,
    };
  };

  const look = async (things: readonly ProgramThing[]): Promise<readonly ThingState[]> => {
    const configs = new Map<string, Promise<readonly [SupervisordConfig, Reached]>>();
    const open = (config: string) => {
      const known = configs.get(config) ?? reach(config).then((reached) => [readConfig(config), reached] as const);
      configs.set(config, known);
      return known;
    };
    return Promise.all(
      things.map(async (thing): Promise<ThingState> => {
        try {
          return stateOf(thing, ...(await open(thing.config)));
        } catch (error) {
          return { kind: 'unreadable', problem: problemOf(`cannot look for ${nameOfThing(thing)}`, error) };
        }
      }),
    );
  };

  /** Throws where it is ours, or another owner's by now. */
  const demand = (thing: ProgramThing, taken: Taken) => {
    const read = readConfig(thing.config);
    const { said } = demandProgram(thing, read);
    const lines = said === undefined ? [] : takenIn(read, said.section.name);
    demandOwner(thing, lines[0]?.taken, taken);
    return { read, said, lines };
  };

  return {
    look,

    taken: async (owner) => marks.all(owner),

    block: (thing, taken) =>
      attempt(`cannot mark ${nameOfThing(thing)} as taken`, () => {
        demand(thing, taken);
        marks.block(thing, taken);
      }),

    stop: async (thing, timeout, signal) => {
      try {
        const sought = demandProgram(thing, readConfig(thing.config));
        return await stopProgram(thing, sought, await reach(thing.config), timeout, signal);
      } catch (error) {
        return { kind: 'failed', problem: problemOf(`cannot stop ${nameOfThing(thing)}`, error) };
      }
    },

    disable: (thing, taken) =>
      attempt(`cannot take autostart from ${nameOfThing(thing)}`, () => {
        const { read, said, lines } = demand(thing, taken);
        // First, since with the files alone nobody would know which to look into.
        marks.keep(thing, taken);
        if (said === undefined) return;
        if (lines.some(({ intact }) => intact) && !said.options.autostart) return;
        takeAutostart(said.section, read.defaults, taken);
      }),

    unblock: (thing) => attempt(`cannot unmark ${nameOfThing(thing)}`, () => marks.unblock(thing)),

    restore: (thing, was, start, signal) =>
      attempt(`cannot give ${nameOfThing(thing)} back`, async () => {
        const read = readConfig(thing.config);
        const sought = demandProgram(thing, read);
        // What is said of all its processes is as it was once none of them is taken any more.
        const others = marks.all(was.owner).some(({ thing: other }) => isBeside(other, thing, read));
        if (sought.said !== undefined && !others) giveAll(read, sought.said.section.name, was.owner);
        // Forgotten last: until it runs, it is not given back.
        if (start && was.ran) await startProgram(thing, sought, await reach(thing.config), signal);
        marks.forget(thing);
      }),
  };
}

/** Another process of the same program. */
function isBeside(other: ProgramThing, thing: ProgramThing, read: SupervisordConfig): boolean {
  if (other.config !== thing.config || other.program === thing.program) return false;
  const [one, two] = [other, thing].map((each) => programIn(read, each).said?.section);
  return one !== undefined && one === two;
}

/** Our markers in a section, in whichever files. */
function takenIn(read: SupervisordConfig, section: string): readonly TakenLine[] {
  return read.files.flatMap((path) => takenLinesIn(readBytes(path))).filter((line) => line.section === section);
}

function giveAll({ files }: SupervisordConfig, section: string, owner: string): void {
  for (const path of files) {
    const lines = takenLinesIn(readBytes(path));
    if (lines.some((line) => line.section === section && line.taken.owner === owner)) {
      giveAutostart(path, section, owner);
    }
  }
}
