import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { digest } from '../../canonical.ts';
import { readIfThere, writeAtomic } from '../../host/files.ts';
import { bootId } from '../../host/procfs.ts';
import { Failure, why } from '../../problem.ts';
import { nameOfThing, type Taken, type There, type Thing } from '../../thing.ts';

/** What is remembered of a thing that nothing can be written to. */
export interface Mark {
  readonly taken: Taken;
  readonly blocked?: 'until-boot' | 'for-good';
  /** Where it ran: what a person has to know to start it again. */
  readonly directory?: string;
}

interface File<T> {
  readonly version: 1;
  readonly thing: T;
  readonly taken: Taken;
  readonly blocked: boolean;
  /** Of the boot that it counts for. */
  readonly boot?: string;
  readonly directory?: string;
}

/**
 * Marks of things that were taken, for kinds that have no better place for it: a file for each, until the next boot in
 * the runtime folder, for good among the decisions.
 */
export class Marks<T extends Thing> {
  readonly #kind: T['kind'];
  readonly #runtime: string;
  readonly #state: string;

  constructor(kind: T['kind'], runtimeDir: string, stateDir: string) {
    this.#kind = kind;
    this.#runtime = join(runtimeDir, 'taken');
    this.#state = join(stateDir, 'decisions', 'taken');
  }

  /** Throws where it is damaged or can't be read. */
  of(thing: T): Mark | undefined {
    const name = this.#nameOf(thing);
    const [kept, now] = [this.#read(join(this.#state, name)), this.#read(join(this.#runtime, name))];
    const file = kept ?? now;
    if (file === undefined) return undefined;
    const { taken, directory } = file;
    const blocked = kept?.blocked ? 'for-good' : now?.blocked ? 'until-boot' : undefined;
    return {
      taken,
      ...(blocked === undefined ? {} : { blocked }),
      ...(directory === undefined ? {} : { directory }),
    };
  }

  /** What can't be read is passed over: whoever looks at the thing itself hears of it. */
  all(owner: string): readonly { readonly thing: T; readonly taken: Taken }[] {
    const found = new Map<string, { readonly thing: T; readonly taken: Taken }>();
    for (const folder of [this.#runtime, this.#state]) {
      for (const name of namesIn(folder)) {
        const file = this.#peek(join(folder, name));
        if (file?.thing.kind === this.#kind && file.taken.owner === owner) found.set(name, file);
      }
    }
    return [...found.values()].map(({ thing, taken }) => ({ thing, taken }));
  }

  /** Until the next boot. Throws what the system says. */
  block(thing: T, taken: Taken, directory?: string): void {
    const before = this.#demand(thing, taken);
    const where = directory ?? before?.directory;
    const file = { version: 1, thing, taken, blocked: true, boot: bootId(), ...(where ? { directory: where } : {}) };
    this.#write(this.#runtime, thing, file, false);
  }

  /** For good. */
  keep(thing: T, taken: Taken): void {
    const before = this.#demand(thing, taken);
    const where = before?.directory;
    const file = { version: 1, thing, taken, blocked: true, ...(where ? { directory: where } : {}) };
    this.#write(this.#state, thing, file, true);
    rmSync(join(this.#runtime, this.#nameOf(thing)), { force: true });
  }

  /** It is no longer blocked; what is known for good stays known. */
  unblock(thing: T): void {
    const path = join(this.#state, this.#nameOf(thing));
    const kept = this.#read(path);
    if (kept?.blocked) this.#write(this.#state, thing, { ...kept, blocked: false }, true);
    rmSync(join(this.#runtime, this.#nameOf(thing)), { force: true });
  }

  forget(thing: T): void {
    for (const folder of [this.#runtime, this.#state]) rmSync(join(folder, this.#nameOf(thing)), { force: true });
  }

  /** Throws where another owner has taken it. */
  #demand(thing: T, taken: Taken): Mark | undefined {
    const before = this.of(thing);
    demandOwner(thing, before?.taken, taken);
    return before;
  }

  #nameOf(thing: T): string {
    return `${this.#kind}-${digest({ ...thing } as { readonly [key: string]: string }, 24)}.json`;
  }

  #write(folder: string, thing: T, file: object, sync: boolean): void {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeAtomic(join(folder, this.#nameOf(thing)), `${JSON.stringify(file)}\n`, { sync });
  }

  #read(path: string): File<T> | undefined {
    let text: string | undefined;
    let file: File<T> | undefined;
    try {
      text = readIfThere(path);
      file = text === undefined ? undefined : wholeOf(JSON.parse(text));
    } catch (error) {
      throw damaged(path, why(error));
    }
    if (text !== undefined && file === undefined)
      throw damaged(path, 'it does not hold what this version writes there');
    // Of an earlier boot.
    return file?.boot === undefined || file.boot === bootId() ? file : undefined;
  }

  #peek(path: string): File<T> | undefined {
    try {
      return this.#read(path);
    } catch {
      return undefined;
    }
  }
}

/** Nobody takes what another owner has taken: throws that. */
export function demandOwner(thing: Thing, before: Taken | undefined, { owner, by }: Taken): void {
  if (before === undefined || before.owner === owner) return;
  throw new Failure({
    code: 'taken-by-another',
    summary: `cannot take ${nameOfThing(thing)} for ${by}: owner ${before.owner} has taken it for ${before.by}`,
    hint: 'leave it in `supersedes` of one of the two',
  });
}

/** What a look tells of a mark. */
export function partsOf(mark: Mark | undefined): Pick<There, 'taken' | 'blocked'> {
  if (mark === undefined) return {};
  return { taken: mark.taken, ...(mark.blocked === undefined ? {} : { blocked: mark.blocked }) };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
}

function wholeOf<T>(value: Partial<File<T>> | null): File<T> | undefined {
  const { version, thing, taken, blocked } = value ?? {};
  const whole =
    version === 1 &&
    typeof thing === 'object' &&
    typeof blocked === 'boolean' &&
    typeof taken?.owner === 'string' &&
    typeof taken.by === 'string' &&
    typeof taken.enabled === 'boolean' &&
    typeof taken.ran === 'boolean';
  return whole ? (value as File<T>) : undefined;
}

function damaged(path: string, because: string): Failure {
  return new Failure({
    code: 'mark-damaged',
    summary: `cannot tell what was taken: ${path} can't be read: ${because}`,
    hint: `look at what it holds, then acknowledge by moving it away: mv ${path} ${path}.damaged`,
  });
}
