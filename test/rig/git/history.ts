import fc from 'fast-check';
import type { SshKey } from './keys.ts';
import type { Entry, Files, Repository } from './repository.ts';

/** What one commit does to the one before; `a`, `b`, `n` pick among what there is. */
export interface Step {
  readonly act: (typeof ACTS)[number];
  readonly a: number;
  readonly b: number;
  readonly n: number;
  readonly signature: (typeof SIGNATURES)[number];
  /** Whether the branch is pushed to where it is then. */
  readonly push: boolean;
}

const ACTS = [
  'edit',
  'edit',
  'edit',
  'edit',
  'add',
  'add',
  'remove',
  'rename',
  'rename formerly',
  'rename formerly',
  'revert',
  'merge',
  'merge',
  'break',
  'pointer',
  'submodule',
  'link out',
  'mend',
  'mend',
  'delete folder',
  'empty',
  'restore',
  'huge',
  'rewind',
  'rewrite',
  'new root',
  'withdraw',
  'withdraw',
  'withdraw',
] as const;
/** Nearly all are good: after one that is not, no other changes anything until it is withdrawn. */
const SIGNATURES = [...Array<'good'>(21).fill('good'), 'none', 'another', 'tampered'] as const;

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    act: fc.constantFrom(...ACTS),
    a: fc.nat(99),
    b: fc.nat(99),
    n: fc.nat(9),
    signature: fc.constantFrom(...SIGNATURES),
    push: fc.boolean(),
  }),
  { minLength: 3, maxLength: 12 },
);

/** The folder of the desired state in the repository. */
export const FOLDER = 'deploy/host';
const POLICY = `${FOLDER}/policy.yaml`;
/** A service sleeps 7000 s and its place in here. */
export const NAMES = ['api', 'web', 'cron', 'feed', 'mail'];
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12\n`;
const at = (name: string) => `${FOLDER}/services/${name}.yaml`;
const BAD: Readonly<Record<string, Entry>> = {
  [at('broken')]: 'command: [sleep\n',
  [at('pointer')]: POINTER,
  [`${FOLDER}/modules/x`]: { submodule: '1'.repeat(40) },
  [`${FOLDER}/passwd`]: { link: '/etc/passwd' },
};

/** What is declared of a service, as far as these histories go. */
interface Declared {
  readonly value: number;
  readonly formerly?: string;
}

/** The tips of a random history, in the order in which they are pushed. The model of what must be in force then is beside. */
export class History {
  readonly tips: string[] = [];
  readonly #repository: Repository;
  readonly #policy: string;
  readonly #keys: Readonly<Record<'good' | 'another', SshKey>>;
  readonly #parents = new Map<string, readonly string[]>();
  readonly #signed = new Set<string>();

  constructor(
    repository: Repository,
    policy: string,
    keys: Readonly<Record<'good' | 'another', SshKey>>,
    all: readonly Step[],
  ) {
    this.#repository = repository;
    this.#policy = policy;
    this.#keys = keys;
    let head = this.#commit(this.#whole({ api: { value: 0 }, web: { value: 0 } }), [], 'good');
    this.tips.push(head);
    for (const step of all) {
      head = this.#take(head, step);
      if (step.push) this.tips.push(head);
    }
    if (this.tips.at(-1) !== head) this.tips.push(head);
  }

  isSigned(commit: string): boolean {
    return this.#signed.has(commit);
  }

  /** A commit and all that it comes after. */
  ancestors(commit: string): ReadonlySet<string> {
    const seen = new Set([commit]);
    for (const one of seen) for (const parent of this.#parents.get(one) ?? []) seen.add(parent);
    return seen;
  }

  files(commit: string): Files {
    return this.#repository.files(commit);
  }

  #take(head: string, { act, a, b, n, signature }: Step): string {
    const files = this.files(head);
    const services = servicesIn(files);
    const names = Object.keys(services);
    const name = names[a % names.length];
    const free = NAMES.filter((one) => !names.includes(one));
    const other = free[b % free.length];
    const put = (changed: Files) => this.#commit(changed, [head], signature);
    const declare = (next: Readonly<Record<string, Declared>>) => put({ ...withoutServices(files), ...filesOf(next) });
    switch (act) {
      case 'edit':
        return name === undefined ? head : declare({ ...services, [name]: { ...services[name], value: n + a } });
      case 'add':
        return other === undefined ? head : declare({ ...services, [other]: { value: n } });
      case 'remove': {
        if (name === undefined) return head;
        const { [name]: _, ...rest } = services;
        return declare(rest);
      }
      case 'rename':
      case 'rename formerly': {
        if (name === undefined || other === undefined) return head;
        const { [name]: { value } = { value: 0 }, ...rest } = services;
        return declare({ ...rest, [other]: { value, ...(act === 'rename' ? {} : { formerly: name }) } });
      }
      case 'revert': {
        // To revert what began it would take the policy with it, and with that the owner.
        const line = this.#line(head).filter((commit) => this.#parents.get(commit)?.length !== 0);
        const commit = line[a % line.length];
        if (commit === undefined) return head;
        return this.#made(this.#repository.revert(head, commit, this.#signing(signature)), [head], signature);
      }
      case 'merge': {
        const line = this.#line(head);
        const from = line[a % line.length] ?? head;
        const beside = this.#commit(
          { ...this.files(from), ...filesOf({ [NAMES[b % NAMES.length] ?? 'web']: { value: n + 50 } }) },
          [from],
          // It may come with a merge that is signed.
          b % 8 === 0 ? 'none' : 'good',
        );
        return this.#made(this.#repository.merge(head, beside, this.#signing(signature)), [head, beside], signature);
      }
      case 'break':
        return put({ ...files, ...pick(at('broken')) });
      case 'pointer':
        return put({ ...files, ...pick(at('pointer')) });
      case 'submodule':
        return put({ ...files, ...pick(`${FOLDER}/modules/x`) });
      case 'link out':
        return put({ ...files, ...pick(`${FOLDER}/passwd`) });
      case 'mend':
        return put(Object.fromEntries(Object.entries(files).filter(([path]) => BAD[path] === undefined)));
      case 'delete folder':
        return put(Object.fromEntries(Object.entries(files).filter(([path]) => !path.startsWith('deploy/'))));
      case 'empty':
        return put({});
      case 'restore':
        return put(this.#whole({ api: { value: n }, web: { value: a } }));
      case 'huge':
        return put({
          ...files,
          ...Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`data/${n}/${i}`, `${i}`])),
        });
      case 'rewind': {
        const line = this.#line(head);
        return line[a % line.length] ?? head;
      }
      case 'rewrite': {
        const line = this.#line(head);
        const from = line[a % line.length] ?? head;
        return this.#commit({ ...this.files(from), ...filesOf({ web: { value: n + 20 } }) }, [from], signature);
      }
      case 'new root':
        return this.#commit(files, [], signature);
      case 'withdraw':
        // As somebody does who is told that a commit was refused: back to the last one that is good.
        return this.#line(head).find((commit) => this.#isGood(commit)) ?? head;
    }
  }

  #isGood(commit: string): boolean {
    return isValid(this.files(commit)) && [...this.ancestors(commit)].every((one) => this.#signed.has(one));
  }

  /** From a commit back along first parents. */
  #line(head: string): readonly string[] {
    const line: string[] = [];
    for (let one: string | undefined = head; one !== undefined; one = this.#parents.get(one)?.[0]) line.push(one);
    return line;
  }

  #whole(services: Readonly<Record<string, Declared>>): Files {
    return { 'README.md': 'What runs.\n', [POLICY]: this.#policy, ...filesOf(services) };
  }

  #commit(files: Files, parents: readonly string[], signature: Step['signature']): string {
    return this.#made(this.#repository.commit(files, { parents, ...this.#signing(signature) }), parents, signature);
  }

  #made(commit: string, parents: readonly string[], signature: Step['signature']): string {
    this.#parents.set(commit, parents);
    if (signature === 'good') this.#signed.add(commit);
    return commit;
  }

  #signing(signature: Step['signature']) {
    if (signature === 'none') return {};
    const signedBy = signature === 'another' ? this.#keys.another : this.#keys.good;
    return { signedBy, tampered: signature === 'tampered' };
  }
}

/** What is in force after each tip, by the rules alone. */
export function inForceAfter(history: History, trust: boolean): readonly (string | undefined)[] {
  let taken: string | undefined;
  let force: string | undefined;
  return history.tips.map((tip) => {
    if (trust) {
      const all = history.ancestors(tip);
      const known = taken === undefined ? undefined : history.ancestors(taken);
      const back = taken !== undefined && !all.has(taken);
      const news = known === undefined ? [tip] : [...all].filter((commit) => !known.has(commit));
      if (back || news.some((commit) => !history.isSigned(commit))) return force;
    }
    if (isTakable(history.files(tip))) taken = tip;
    if (isValid(history.files(tip))) force = tip;
    return force;
  });
}

/** What the source alone can tell: everything but what stands in the files. */
function isTakable(files: Files): boolean {
  const inFolder = Object.entries(files).filter(([path]) => path.startsWith(`${FOLDER}/`));
  return inFolder.length > 0 && !inFolder.some(([path]) => BAD[path] !== undefined && path !== at('broken'));
}

/** Without its policy it would belong to another owner. */
export function isValid(files: Files): boolean {
  if (!isTakable(files) || files[at('broken')] !== undefined) return false;
  if (files[POLICY] === undefined) return false;
  const services = servicesIn(files);
  const old = Object.values(services).flatMap(({ formerly }) => formerly ?? []);
  // A name is taken over by one, and only where nobody has it.
  return Object.keys(services).length > 0 && !old.some((name, i) => name in services || old.indexOf(name) !== i);
}

export function servicesIn(files: Files): Readonly<Record<string, Declared>> {
  return Object.fromEntries(
    Object.entries(files).flatMap(([path, text]) => {
      const name = /\/services\/(\w+)\.yaml$/.exec(path)?.[1];
      if (name === undefined || typeof text !== 'string' || BAD[path] !== undefined) return [];
      const { environment, formerly } = JSON.parse(text) as { environment: { VALUE: string }; formerly?: string[] };
      return [
        [name, { value: Number(environment.VALUE), ...(formerly === undefined ? {} : { formerly: formerly[0] }) }],
      ];
    }),
  );
}

/** JSON is YAML too. */
function filesOf(services: Readonly<Record<string, Declared>>): Files {
  return Object.fromEntries(
    Object.entries(services).map(([name, { value, formerly }]) => [
      at(name),
      `${JSON.stringify({
        supervisor: 'builtin',
        command: ['sleep', `${7000 + NAMES.indexOf(name)}`],
        environment: { VALUE: String(value) },
        start: { ready: '0s' },
        stop: { timeout: '5s' },
        ...(formerly === undefined ? {} : { formerly: [formerly] }),
      })}\n`,
    ]),
  );
}

function withoutServices(files: Files): Files {
  return Object.fromEntries(
    Object.entries(files).filter(([path]) => !path.startsWith(`${FOLDER}/services/`) || BAD[path] !== undefined),
  );
}

const pick = (path: string): Files => ({ [path]: BAD[path] ?? '' });
