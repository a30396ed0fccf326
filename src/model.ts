/**
 * The words of the project as types (docs/design words: service, desired, definition, observed, plan, step, outcome).
 * States are unions whose members carry exactly their data.
 */
import type { Json } from './canonical.ts';
import type { PolicyFile } from './desired/generated/policy.ts';
import type { ServiceFile } from './desired/generated/service.ts';
import type { Instance } from './instance.ts';
import type { Position, Problem } from './problem.ts';
import type { Taken, There, Thing } from './thing.ts';

export type ServiceName = string;
/** A service's name, or `NAME@I` for one of its instances. */
export type ServiceId = string;
export type SupervisorName = 'builtin' | 'systemd' | `supervisord/${string}`;
export type Drift = 'heal' | 'hold' | 'report';
export type DesiredState = 'running' | 'stopped' | 'manual' | 'disabled' | 'absent';

// ---- Desired -------------------------------------------------------------------------------------------------

/** One service, or one instance of it, as Git says: what people wrote, and the few defaults everybody needs. */
export interface Service {
  readonly id: ServiceId;
  readonly name: ServiceName;
  /** From 1; undefined where the service has no `instances`. */
  readonly instance?: number;
  readonly supervisor: SupervisorName;
  readonly state: DesiredState;
  readonly autostart: boolean;
  readonly group?: string;
  readonly after: readonly ServiceName[];
  /** The ids that `after` stands for, all instances of each, as far as they are declared. */
  readonly afterIds?: readonly ServiceId[];
  readonly formerly: readonly ServiceName[];
  readonly changes: 'now' | 'staged';
  /** What to do where the host differs with no change in Git; absent: the policy's. */
  readonly drift?: Drift;
  /** Layers merged, before any default: what the rest of a service's words say is read from here. */
  readonly written: ServiceFile;
  /** Digests of host files that belong to the definition: `restartOn:/path` and `environmentFiles:/path`. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The file that declares it, relative to the desired-state directory (`services/web.yaml`). */
  readonly file: string;
  /** It is what keeps the services of this supervisor running: where it is restarted, so are they. */
  readonly runs?: SupervisorName;
  /** Host files that its definition brings along: written before it is started, and its own alone. */
  readonly files?: readonly HostFile[];
  /** Folders that have to be there before it is started: made where they are missing. */
  readonly folders?: readonly HostFolder[];
}

/** Where the desired state came from. `content` is a digest of every file read; `commit` where git could be asked. */
export interface Revision {
  readonly content: string;
  readonly commit?: string;
  /** The working tree differs from the commit. */
  readonly dirty?: boolean;
}

export interface Policy {
  readonly owner: string;
  /** What to do about processes that run a declared command outside its supervisor; absent: report. */
  readonly strays?: 'report' | 'stop';
  readonly prune: { readonly kind: 'off' } | { readonly kind: 'on'; readonly max: number };
  /** What to do where the host differs with no change in Git; absent: hold. */
  readonly drift?: Drift;
  readonly written: PolicyFile;
}

export interface Desired {
  readonly revision: Revision;
  readonly policy: Policy;
  /** Sorted by id; instances are expanded. Services with `state: absent` are in it. */
  readonly services: readonly Service[];
  /** The supervisords of supervisors/, sorted by name. */
  readonly instances: readonly Instance[];
  /** What is not as Git says, though it could be, and why: `services` has each as it is to be until Git changes. */
  readonly quarantined?: ReadonlyMap<ServiceId, QuarantineHold>;
  /** What Git says, where some of it is quarantined. */
  readonly git?: Pick<Desired, 'services' | 'instances'>;
  /** The position of a value in a service: the path as keys from the top (`['start', 'ready']`), else of the file. */
  locate(id: ServiceId, path: readonly (string | number)[]): Position | undefined;
}

// ---- Definition ----------------------------------------------------------------------------------------------

/**
 * What a change of a field does to a running process: nothing and not on the host at all, applied live, a restart, or
 * `staged`: no new process is needed, but it takes effect only when its supervisor starts it anew.
 */
export type FieldEffect = 'none' | 'live' | 'staged' | 'restart';
/** Who makes a field true. `refused` fields are an error where somebody wrote them. */
export type FieldMeans = 'native' | 'daemon' | 'wrapper' | 'refused';

export interface FieldRule {
  readonly effect: FieldEffect;
  readonly by: FieldMeans;
  /** For the docs, and the reason where refused. */
  readonly note?: string;
}

/**
 * One supervisor's rule for every field of the schema, by dotted path; `*` stands for one key (`environment.*`). Lists
 * are leaves (`command`, `health`). A test proves that each leaf of the schema has exactly one rule.
 */
export type FieldTable = Readonly<Record<string, FieldRule>>;

/** Written, canonical fields by dotted path (`stop.timeout`), units as numbers (ms, bytes), in sorted order. */
export type Fields = Readonly<Record<string, Json>>;

/** A file of the host, whole. */
export interface HostFile {
  readonly path: string;
  readonly text: string;
  /** By what it was made from a definition's fields: with the same fields and the same `made` the text is the same. */
  readonly made?: string;
  /** What is in its place on the host now, where no object was observed that it belongs to. */
  readonly there?: string;
}

/** A folder of the host: the user's (as in a service's `user`) or our own. */
export interface HostFolder {
  readonly path: string;
  /** 0755 where it is not said. */
  readonly mode?: number;
  readonly user?: string;
}

/** What a supervisor's own record should hold for a service. */
export interface Definition {
  /** Digest of the fields whose effect is `restart`. */
  readonly hash: string;
  /** The fields whose effect is not `none`. */
  readonly fields: Fields;
  /** The files that say so to the supervisor, where it reads files; by path. */
  readonly files?: readonly HostFile[];
  /** Its supervisor can only change it together with all others that say the same here. */
  readonly pool?: string;
  /** Digest of what all of its pool are loaded from, as its file says it. */
  readonly poolDigest?: string;
  /** What the host does with it at boot, where that is the supervisor's to say; undefined: left as found. */
  readonly boot?: Boot;
  /** The symbolic link that is there while it is enabled, where that is ours. */
  readonly link?: string;
}

/** `blocked`: nobody can start it, at boot or later. */
export type Boot = 'enabled' | 'disabled' | 'blocked';

// ---- Observed ------------------------------------------------------------------------------------------------

export type Exit =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  /** It is gone and nobody could see how (the shim was killed too, or the host was rebooted). */
  | { readonly kind: 'unknown' };

/**
 * Does a running process stem from the definition that is there now? `staged`: from this one, but what only its next
 * start applies has changed since. `unknown` never is a reason to act.
 */
export type Freshness = 'current' | 'staged' | 'stale' | 'unknown';

/** Times are milliseconds since the epoch. */
export type Run =
  | { readonly kind: 'running'; readonly pid: number; readonly since: number; readonly definition: Freshness }
  | { readonly kind: 'starting'; readonly pid: number; readonly since: number; readonly definition: Freshness }
  /** Ended, and waits to be started again. */
  | { readonly kind: 'backoff'; readonly until: number; readonly exit: Exit }
  | { readonly kind: 'stopping'; readonly pid: number; readonly byHand?: true; readonly stoppedWith?: string }
  /**
   * `started`: somebody started it since this boot. `byHand`: neither its own end nor its supervisor's doing.
   * `stoppedWith`: what it needs or is part of was stopped, and it with that: the name its supervisor has for it. `left`: its
   * process outlived that, and is looked after by nobody.
   */
  | {
      readonly kind: 'stopped';
      readonly started: boolean;
      readonly byHand?: true;
      readonly stoppedWith?: string;
      readonly left?: number;
    }
  /** Ended by itself, as its restart policy allows. */
  | { readonly kind: 'exited'; readonly exit: Exit; readonly at: number }
  /** It could not be started `retries` times: FATAL. Nobody tries again until it changes or a person says so. */
  | { readonly kind: 'fatal'; readonly exit: Exit; readonly at: number; readonly reason: string }
  /** Its restart budget is spent: HELD until a trial after the cooldown. */
  | { readonly kind: 'held'; readonly exit: Exit; readonly until: number; readonly reason: string };

export type Owner =
  | { readonly kind: 'ours' }
  /** `superseded`: the service of its name may take its place as it is, with its process. */
  | (Foreign & { readonly superseded?: true });

/** Somebody else's; `runtimeDir`: that of another daemon of ours, which keeps it running. */
export interface Foreign {
  readonly kind: 'foreign';
  readonly owner: string;
  readonly runtimeDir?: string;
}

/** One object that a supervisor holds. */
export interface Actual {
  readonly kind: 'actual';
  readonly id: ServiceId;
  readonly owner: Owner;
  /** What the supervisor would start next; undefined where only a process was found, with the stamp's hash if any. */
  readonly definition: ActualDefinition;
  /** What somebody else has put beside our definition and what counts as well: told, never touched. */
  readonly besides?: readonly string[];
  readonly run: Run;
  /** Its supervisor restarts these too where it changes it, in a group that others made. */
  readonly neighbours?: { readonly group: string; readonly others: readonly string[] };
  /** It belongs to others, who are content that it is started, stopped and set: it is never removed. */
  readonly borrowed?: true;
  /** Restarts by supervision since it was last started by an apply or a person. */
  readonly restarts: number;
  /** The revision that was last applied to it, as text. */
  readonly revision?: string;
}

export type ActualDefinition = (
  | Pick<Definition, 'hash' | 'fields'>
  | { readonly hash: string | undefined; readonly fields?: undefined }
) &
  Pick<Definition, 'files' | 'pool' | 'poolDigest'> & {
    /** `fixed`: it is not for us to change, such as of a unit that others start or nobody can enable. */
    readonly boot?: Boot | 'fixed';
    /** Belongs to its files while it is to be `blocked`, where nothing else can block it here. */
    readonly block?: HostFile;
    /** Its files are not as we wrote them. */
    readonly edited?: true;
  };

/** An object that is there but could not be read. Never the same as absent. */
export interface UnreadableObject {
  readonly kind: 'unreadable';
  readonly id: ServiceId;
  readonly problem: Problem;
}

/** One supervisor's observation. */
export type Reading =
  | {
      readonly kind: 'read';
      readonly objects: readonly (Actual | UnreadableObject)[];
      /** What people should know of the supervisor itself, such as settings that it ignores. */
      readonly remarks?: readonly Problem[];
    }
  | { readonly kind: 'unreadable'; readonly problem: Problem };

export type Observed = ReadonlyMap<SupervisorName, Reading>;

// ---- Plan ----------------------------------------------------------------------------------------------------

/**
 * - `create`: define it, and start it if it should run. `start`, `stop`: its run state alone.
 * - `replace`: new definition, new process. `restart`: same definition, but the process stems from an older one.
 * - `update`: new definition, applied without touching a process. `remove`: stopped, then undefined.
 * - `handover`: from what runs it now to its own supervisor, proven well before the old way is given up.
 * - `retire`: what it supersedes is stopped and disabled, and nothing takes its place. `give-back`: the way back, where Git
 *   has nothing of the service any more: what it had superseded is in force again, and the service is removed.
 */
export type Action =
  | 'create'
  | 'start'
  | 'stop'
  | 'restart'
  | 'replace'
  | 'update'
  | 'remove'
  | 'handover'
  | 'retire'
  | 'give-back';

/** What a supervisor does by itself; the rest goes through several of its steps, and those of others. */
export type OwnAction = Exclude<Action, 'handover' | 'retire' | 'give-back'>;

/** What a step does to the service's process. */
export type StepEffect = 'start' | 'stop' | 'restart' | 'pid unchanged' | 'none';

export interface FieldChange {
  readonly field: string;
  readonly effect: FieldEffect;
  /** Masked where secret; undefined where there is none. */
  readonly from?: Json;
  readonly to?: Json;
}

export type Reason =
  | { readonly kind: 'missing' }
  | { readonly kind: 'changed'; readonly changes: readonly FieldChange[] }
  | { readonly kind: 'not-running'; readonly run: Run['kind'] }
  | { readonly kind: 'not-wanted'; readonly state: DesiredState }
  | { readonly kind: 'stale-process' }
  /** What only a new process applies has been written before, and is to take effect now. */
  | { readonly kind: 'staged' }
  /** Its supervisor is restarted, and all that it runs with it; or another of its pool is. */
  | { readonly kind: 'with'; readonly service: ServiceId; readonly pool?: true }
  /** Its files are not as we wrote them: `by` somebody, or by us under another version of this tool. */
  | { readonly kind: 'files'; readonly by: 'others' | 'us' }
  | { readonly kind: 'boot'; readonly from: Boot; readonly to: Boot }
  /** A process with our stamp, but its supervisor's record is gone: it is taken back as it is. */
  | { readonly kind: 'adopted' }
  | { readonly kind: 'renamed'; readonly to: ServiceId }
  | { readonly kind: 'fewer-instances'; readonly instances: number }
  | { readonly kind: 'not-in-git' }
  /** Something else runs it, or would: these, by their names. */
  | { readonly kind: 'superseded'; readonly things: readonly string[] }
  /** Git has it no more; these, which it had superseded, are taken back into force. */
  | { readonly kind: 'given-back'; readonly things: readonly string[] }
  /** An instance that comes once `service`, the first of them, has taken the place of these. */
  | { readonly kind: 'behind'; readonly service: ServiceId; readonly things: readonly string[] }
  | { readonly kind: 'asked' }
  /** A probe of it fails, and says `onFailure: restart` or `stop`. */
  | { readonly kind: 'unhealthy'; readonly probe: string; readonly why: string };

/** A file that a step writes or removes: its whole text before and after, undefined where there is none. */
export interface FileChange {
  readonly path: string;
  readonly from?: string;
  readonly to?: string;
}

/** What the plan saw of the object; a step is refused where it is no longer so. */
export type Seen =
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly hash: string | undefined; readonly run: Run['kind']; readonly pid?: number };

export interface Step {
  /** `ACTION:SERVICE`, unique in a plan. */
  readonly id: string;
  readonly service: ServiceId;
  readonly supervisor: SupervisorName;
  readonly action: Action;
  readonly reason: Reason;
  readonly effect: StepEffect;
  /** Ids of steps that must be done before; where one fails or is skipped, this one is skipped. */
  readonly after: readonly string[];
  readonly seen: Seen;
  /** What it writes and removes on the host; absent where that is nothing, or the supervisor's own affair. */
  readonly files?: readonly FileChange[];
  /** What it makes of the start at boot, where that changes. */
  readonly boot?: { readonly from: Boot; readonly to: Boot; readonly link?: string };
  /** What it writes is written when its turn comes, not before the first step: until then an earlier one's is in force. */
  readonly late?: true;
  /** Its supervisor loads these with it, and starts those anew that run: of one pool. */
  readonly together?: readonly ServiceId[];
  /** What to make of it; absent for `remove`. */
  readonly target?: Target;
  /** Of a `handover`, a `retire` and a `give-back`. */
  readonly handover?: Handover;
  /** What had to pass before it, since it interrupts a process: its own gate, and those of what goes down with it. */
  readonly gates?: readonly StepGate[];
}

/** A gate that a step had to pass. */
export interface StepGate {
  /** Whose it is. */
  readonly service: ServiceId;
  /** In words: `exec /opt/dolphin/no-positions`. */
  readonly gate: string;
  /**
   * `untried`: of a plan that nobody has tried gates for. `overridden`, `approved`: a person wants it done whatever it says.
   * `late`: it was waited for long enough, and the service says `otherwise: proceed`.
   */
  readonly answer: 'untried' | 'passed' | 'overridden' | 'approved' | 'late';
}

/** A step that one supervisor takes by itself. */
export type OwnStep = Step & { readonly action: OwnAction };

export interface Target {
  readonly service: Service;
  readonly definition: Definition;
}

/** What runs a service now, or would, in place of its supervisor. */
export type Predecessor =
  /** Something of others. `copy`: it runs the service; else it is what restarts it, or nothing takes its place. */
  | { readonly kind: 'thing'; readonly thing: Thing; readonly state: There; readonly copy: boolean }
  /** The service itself, ours, under another supervisor or another name. */
  | {
      readonly kind: 'own';
      readonly supervisor: SupervisorName;
      readonly id: ServiceId;
      readonly run: Run;
      /** What starts it there again and what removes it; absent where a plan is only looked at. */
      readonly again?: { readonly target: Target; readonly removal: Step };
      /** What keeps it from being started by others meanwhile, where its supervisor has something to that end. */
      readonly thing?: Thing;
    };

/** How a service gets from what runs it to its supervisor, or is ended; all that this needs to know of the host. */
export interface Handover {
  readonly from: readonly Predecessor[];
  /** Its definition while the old one can still start at boot: not started at boot itself. Of a `handover` alone. */
  readonly interim?: Target;
  /** It was defined for this handover, and goes again where that fails. */
  readonly created?: true;
  /** Of a `give-back`: the service itself, which goes. */
  readonly ours?: Extract<Predecessor, { readonly kind: 'own' }>;
  /** The new one is started: it should run, or the old one did. */
  readonly starts: boolean;
  readonly order: 'stop-first' | 'start-first';
  /** ms. How long the new one must stay ready and healthy with one pid. */
  readonly soak: number;
  /** ms. How long the old one has to end before it is killed. */
  readonly patience: number;
  /** An earlier run began it: it is known what was so before. */
  readonly begun?: Begun;
  /** The new one runs already. */
  readonly runs: boolean;
  /** What was so before: the marks that the things bear, or are to bear. */
  readonly marks: readonly Taken[];
}

/** What is remembered on the host, until the next boot, of a handover that has begun. */
export interface Begun {
  /** The old one ran. */
  readonly ran: boolean;
  /** ms since the epoch. */
  readonly at: number;
  /** What is being given back, whose marks go before it runs again. */
  readonly given?: readonly { readonly thing: Thing; readonly taken: Taken }[];
}

/** A part of a handover, in the order they come: what is told while it goes on, and where it can be interrupted. */
export type Stage =
  | 'load'
  | 'block'
  | 'stop'
  | 'start'
  | 'soak'
  | 'disable'
  | 'enable'
  | 'stop new'
  | 'restore'
  | 'remove new'
  | 'done';

/** A service deliberately left alone though it is not as desired. */
export interface Held {
  readonly service: ServiceId;
  readonly supervisor: SupervisorName;
  readonly reason:
    | { readonly kind: 'unreadable'; readonly problem: Problem }
    | Foreign
    /** Somebody has changed it, and Git has not: left so until then (ms since the epoch; undefined: an hour from its apply). */
    | {
        readonly kind: 'drift';
        readonly what: DriftKind;
        readonly until?: number;
        /** Who it was, as far as anything shows it. */
        readonly by?: string;
        /** That time is over: it has a gate, and so a person has to say that it is made as Git says. */
        readonly stays?: true;
      }
    /** It can't be started as things are: a missing command, an unreadable environment file. */
    | { readonly kind: 'blocked'; readonly problem: Problem }
    /** More than one supervisor has it, and which copy is to go can't be told. */
    | { readonly kind: 'handover'; readonly from: SupervisorName }
    /** Its handover failed and was reversed: not tried again until Git changes or a person says so. */
    | { readonly kind: 'reversed'; readonly at: number; readonly problem: Problem }
    /** A process beside its supervisor runs its command: a start would make a second copy. `by`: who runs that, for people. */
    | { readonly kind: 'stray'; readonly pid: number; readonly by: string; readonly why: string }
    /** Somebody keeps undoing what is done to it. */
    | { readonly kind: 'duel'; readonly since: number; readonly rounds: number; readonly evidence: readonly string[] }
    | { readonly kind: 'fatal'; readonly run: Extract<Run, { kind: 'fatal' }> }
    | { readonly kind: 'spent'; readonly run: Extract<Run, { kind: 'held' }> }
    | { readonly kind: 'maybe-renamed'; readonly from: ServiceId }
    /** `coming`: that is about to be started, and what runs under it is to be handed over from it. */
    | { readonly kind: 'needs'; readonly service: ServiceName; readonly coming?: true }
    /** Somebody is stopping it: it is started again once it is down. */
    | { readonly kind: 'stopping' }
    /** It was stopped together with that, which it needs or is part of: its start would undo the stop of both. */
    | { readonly kind: 'stopped-with'; readonly unit: string }
    /** Its supervisor can only change it together with these, which others have put in one group with it. */
    | { readonly kind: 'neighbours'; readonly group: string; readonly others: readonly string[] }
    /**
     * Its supervisor can only change it together with these, of one pool, which stay as they are. `restart`: they would be
     * started anew for that, which is to wait.
     */
    | { readonly kind: 'pool'; readonly others: readonly ServiceId[]; readonly restart?: true }
    | { readonly kind: 'prune-cap'; readonly count: number; readonly max: number }
    /** What would be done waits: a window is shut, until then (ms since the epoch), where that is known. */
    | { readonly kind: 'window'; readonly waits: Waiting; readonly until?: number; readonly why: string }
    /** A person has frozen it, or everything. */
    | {
        readonly kind: 'frozen';
        readonly waits: Waiting;
        /** By this name: its own, `GROUP:*`, or `*` for everything. */
        readonly name: string;
        readonly by: string;
        readonly why: string;
        readonly until?: number;
      }
    /** `mode: observe`. */
    | { readonly kind: 'observed'; readonly waits: Waiting }
    /** What has to pass before it is interrupted does not: `gate` in words, and `why` it does not. */
    | {
        readonly kind: 'gate';
        readonly waits: Waiting;
        readonly gate: string;
        readonly why: string;
        /** ms since the epoch: from when on it waits, and until when; undefined: without end. */
        readonly since: number;
        readonly until?: number;
        readonly otherwise: 'wait' | 'ask' | 'proceed';
      }
    /** So many restarts that nobody asked for have been made on this host that changes wait until then (ms since the epoch). */
    | { readonly kind: 'breaker'; readonly waits: Waiting; readonly until: number; readonly why: string }
    /** A person wants it left alone, whatever happens to it. */
    | {
        readonly kind: 'hold';
        readonly by: string;
        readonly why: string;
        readonly since: number;
        readonly until?: number;
        /** In which way it is not as Git says, where somebody has made it so. */
        readonly what?: DriftKind;
        /** Its time is over, and has no `until` for that: it has a gate, and so a person has to say that it goes on. */
        readonly stays?: true;
      }
    /** It was stopped since a probe failed that says so: until a person starts it, or Git changes. */
    | { readonly kind: 'stopped-for'; readonly probe: string; readonly why: string; readonly at: number }
    /** `confirm: true`: until somebody says `reconcile approve PLAN`. `work`: a digest of what waits for this service. */
    | {
        readonly kind: 'approval';
        readonly waits: Waiting;
        readonly plan: string;
        readonly work: string;
        /** It was waited for its gate long enough, and the service says `otherwise: ask`. */
        readonly gate?: { readonly gate: string; readonly why: string; readonly since: number };
      }
    /**
     * As many services of its group as `maxUnavailable` lets be down at a time are so already (`down`), or its steps would
     * take down more.
     */
    | {
        readonly kind: 'unavailable';
        readonly waits: Waiting;
        readonly group: string;
        readonly max: number;
        readonly down: readonly ServiceId[];
      }
    /**
     * What Git says of it did not stay well, or a person went back: it is as it was at that commit (absent: it was not
     * there), until Git is at another.
     */
    | {
        readonly kind: 'quarantined';
        readonly commit: string;
        readonly to?: string;
        readonly why: string;
        readonly at: number;
        /** It is left as it is: that was wanted so, or what was to take its place did not stay well either. */
        readonly left?: true;
      };
}

export type QuarantineHold = Extract<Held['reason'], { readonly kind: 'quarantined' }>;

/** What would be done to a service if it were not held. */
export interface Waiting {
  readonly action: Action;
  readonly effect: StepEffect;
  /** What of others it would take the place of. */
  readonly things?: readonly string[];
}

/** What somebody did to a service without Git. */
export type DriftKind = 'stopped' | 'started' | 'edited' | 'removed' | 'enabled' | 'disabled' | 'blocked' | 'unblocked';

/** What is worth telling and needs no step; never changes the exit code. */
export type Notice =
  | { readonly kind: 'staged'; readonly service: ServiceId; readonly changes: readonly FieldChange[] }
  | { readonly kind: 'first-start'; readonly service: ServiceId }
  | { readonly kind: 'leftover'; readonly service: ServiceId; readonly supervisor: SupervisorName }
  /** As `drift: report` wants it. */
  | { readonly kind: 'drift'; readonly service: ServiceId; readonly what: DriftKind }
  | { readonly kind: 'besides'; readonly service: ServiceId; readonly paths: readonly string[] }
  /** A person asked for it: these, which others have put in one group with it, are restarted too. */
  | {
      readonly kind: 'neighbours';
      readonly service: ServiceId;
      readonly group: string;
      readonly others: readonly string[];
    }
  /** Of a supervisor, in place of a service: what its reading told besides. */
  | { readonly kind: 'remark'; readonly service: SupervisorName; readonly problem: Problem }
  | { readonly kind: 'unknown-process'; readonly service: ServiceId; readonly pid: number }
  /** A person wants nothing changed: of a service, a group (`GROUP:*`) or everything (`*`). */
  | {
      readonly kind: 'frozen';
      readonly service: string;
      readonly by: string;
      readonly why: string;
      readonly until?: number;
    }
  /** A person wants it left alone, whatever happens to it. */
  | {
      readonly kind: 'hold';
      readonly service: string;
      readonly by: string;
      readonly why: string;
      readonly until: number;
    }
  /** It is new, and of what it supersedes these are not on this host: done with already, or misspelt. */
  | { readonly kind: 'not-there'; readonly service: ServiceId; readonly things: readonly string[] }
  /** A process that runs its command outside its supervisor. */
  | {
      readonly kind: 'stray';
      readonly service: ServiceId;
      readonly pid: number;
      readonly exact: boolean;
      readonly by: string;
      readonly why: string;
    }
  /** Another manager claims it too: it would start or restart it. `supersedes` is what to write to have it taken over. */
  | {
      readonly kind: 'conflict';
      readonly service: ServiceId;
      readonly where: string;
      readonly why: string;
      readonly supersedes: string;
    };

export interface Plan {
  readonly version: 1;
  readonly revision: string;
  readonly fingerprint: string;
  /** In an order that respects `after`. */
  readonly steps: readonly Step[];
  readonly held: readonly Held[];
  readonly notices: readonly Notice[];
  /** The supervisors that read their files anew for this, each once; absent where none does. */
  readonly reloads?: readonly SupervisorName[];
}

// ---- Apply ---------------------------------------------------------------------------------------------------

export type Outcome =
  | { readonly kind: 'done'; readonly pid?: number; readonly gap?: Gap }
  | { readonly kind: 'failed'; readonly problem: Problem }
  | { readonly kind: 'skipped'; readonly problem: Problem };

/** How long (ms) nothing ran in a handover: from the last old process to the first new one, and to its being ready. */
export interface Gap {
  readonly process: number;
  readonly ready: number;
}

export interface StepReport {
  readonly step: Step;
  readonly outcome: Outcome;
  /** Duration in milliseconds. */
  readonly took: number;
}

export interface Report {
  readonly plan: Plan;
  readonly steps: readonly StepReport[];
  /** Duration in milliseconds. */
  readonly took: number;
}

/** What the engine tells while it works; one stream for the CLI's progress, the daemon's log and the control socket. */
export type Event =
  /** A person wants it done though a window is shut or it is frozen. */
  | { readonly kind: 'overridden'; readonly by: string; readonly why: string }
  | { readonly kind: 'planned'; readonly plan: Plan }
  | { readonly kind: 'step-started'; readonly step: Step }
  /** A part of a handover is about to begin; the text says what is done to what. */
  | { readonly kind: 'handover-stage'; readonly service: ServiceId; readonly stage: Stage; readonly text: string }
  | { readonly kind: 'step-ended'; readonly step: Step; readonly outcome: Outcome; readonly took: number }
  | { readonly kind: 'applied'; readonly report: Report };

/** What a person has done to what runs, and what is no step of a plan: nothing of what is desired or defined changes. */
export type Touch =
  /** It reads its own settings anew. */
  | { readonly kind: 'reload' }
  /** `tree`: to all processes of it, and not to the main one alone. */
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals; readonly tree: boolean };

/** What became of it, of one service. */
export interface Touched {
  readonly service: ServiceId;
  readonly supervisor: SupervisorName;
  readonly touch: Touch;
  readonly outcome: Outcome;
  /** Duration in milliseconds. */
  readonly took: number;
  /** Its main process has ended by it. */
  readonly ended: boolean;
}

// ---- Health and status ---------------------------------------------------------------------------------------

export type HealthState =
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'healthy' }
  | { readonly kind: 'unhealthy'; readonly probe: string; readonly why: string; readonly about: 'self' | 'dependency' };

/** How well a service is, from best to worst; a group and the host are as well as their worst member. */
export type Level = 'HEALTHY' | 'DEGRADED' | 'CRITICAL' | 'DEAD';

/** Why a service is not to be blamed for what it fails at: something that it depends on is down or not well. */
export interface Cause {
  /** The root of it: a service's name, or a dependency probe's. */
  readonly on: string;
  readonly kind: 'service' | 'probe';
  /** ms since the epoch: since when that is so, as far as it was seen. */
  readonly since: number;
  readonly why: string;
  /** The services between, the one that it depends on itself first; empty where that is the root, or its own probe. */
  readonly via: readonly ServiceId[];
}

/** How well the host is: as its worst service. */
export interface HostHealth {
  /** null: no service has a level. */
  readonly level: Level | null;
  /** How many services have which level; those that are not meant to run have none. */
  readonly services: Readonly<Record<Level, number>>;
  /** The services of that level, where it is not HEALTHY; those that wait for something else come last. */
  readonly worst: readonly ServiceId[];
}

/**
 * What is true of the whole host and worth a line above the table of `reconcile status`: where Git is and whether it can be
 * reached, what is frozen, what was rolled back. `ok`: nobody has to do anything about it.
 */
export interface StatusNote {
  readonly kind:
    | 'source'
    | 'mode'
    | 'freeze'
    | 'breaker'
    | 'quarantine'
    | 'verification'
    | 'window'
    | 'approval'
    | 'alert'
    | 'invalid';
  readonly ok: boolean;
  readonly text: string;
}

/** What `reconcile status` shows; the same value for people and programs. */
export interface Status {
  readonly notes: readonly StatusNote[];
  readonly host: HostHealth;
  /** By name; the level of its worst service, null where none has one. */
  readonly groups: readonly { readonly name: string; readonly level: Level | null }[];
  readonly services: readonly ServiceStatus[];
}

/** One line of `reconcile status`; the same value for a table and for JSON. */
export interface ServiceStatus {
  readonly name: ServiceId;
  readonly group: string | null;
  readonly supervisor: SupervisorName;
  /** `undeclared`: ours, but no longer in Git. */
  readonly desired: DesiredState | 'undeclared';
  /** RUNNING STARTING BACKOFF STOPPING STOPPED EXITED FATAL HELD, ABSENT where there is no object, UNREADABLE. */
  readonly state: string;
  readonly pid: number | null;
  /** It should run by now, and does not: neither waits it for a first start, nor has it ended as it may. */
  readonly missing: boolean;
  /** ISO 8601: since when in this state, where that is known. */
  readonly since: string | null;
  readonly restarts: number;
  /** healthy, unhealthy, unknown, or none where it has no probes. */
  readonly health: string;
  /** How well it is; null where it is not meant to run, or nothing is known yet. */
  readonly level: Level | null;
  /** What it depends on that is down or not well, and since when (ISO 8601): its own failures are put down to that. */
  readonly waitingFor: { readonly name: string; readonly since: string } | null;
  readonly definition: Freshness | 'none';
  /** The revision that was last applied to it. */
  readonly revision: string | null;
  /** Why it is so, or what to do next. */
  readonly note: string | null;
  /** What its main process and all below it use; where it was asked for, null where it has none. */
  readonly use?: { readonly memory: number; readonly cpu: number; readonly processes: number } | null;
}
