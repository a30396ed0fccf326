import type { Desired, Held, Plan, Service, Step } from '../model.ts';

/** What can be taken over with its process as it is, and what can't. */
export interface Adoption {
  /** Services that are as they are but for their definition, or need nothing at all. */
  readonly now: readonly string[];
  readonly left: readonly Left[];
}

export interface Left {
  readonly name: string;
  /** What would be done to it; undefined where it is held. */
  readonly step: Step | undefined;
  readonly held: Held | undefined;
}

/** The desired state as it is without `mode: observe` of these services. */
export function enforced(desired: Desired, names: ReadonlySet<string>): Desired {
  const runs = new Set(desired.services.filter(({ name }) => names.has(name)).map(({ supervisor }) => supervisor));
  const services = desired.services.map((service): Service => {
    // What runs a supervisord is done as soon as something of it is.
    const runner = service.runs !== undefined && runs.has(service.runs);
    if (!names.has(service.name) && !runner) return service;
    const { mode: _, ...written } = service.written;
    return { ...service, written };
  });
  return { ...desired, services };
}

/** Of a plan without `mode: observe`: a process that would end, or begin, is for a person to decide. */
export function adoptionOf(plan: Plan, names: readonly string[]): Adoption {
  const isOf = (name: string, id: string) => id === name || id.startsWith(`${name}@`);
  const all = names.map((name): Left & { readonly free: boolean } => {
    const held = plan.held.find(({ service }) => isOf(name, service));
    const steps = plan.steps.filter(({ service }) => isOf(name, service));
    const step = steps.find(({ effect }) => effect !== 'none' && effect !== 'pid unchanged');
    return { name, step, held, free: held === undefined && step === undefined };
  });
  return {
    now: all.filter(({ free }) => free).map(({ name }) => name),
    left: all.filter(({ free }) => !free).map(({ name, step, held }) => ({ name, step, held })),
  };
}

/** Without the line that keeps it from being done; undefined where there is none as an import writes it. */
export function withoutMode(text: string): string | undefined {
  const found = /^(?:# Only told, never done, until this line is gone\.\n)?mode: observe[ \t]*\n/m.exec(text);
  return found === null ? undefined : text.slice(0, found.index) + text.slice(found.index + found[0].length);
}
