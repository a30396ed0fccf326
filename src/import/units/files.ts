import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Disk, readDisk } from '../../supervisors/systemd/disk.ts';
import { type DropIn, dropInsOf, namesIn } from '../../supervisors/systemd/drop-ins.ts';
import { nameOf, templateOf } from '../../supervisors/systemd/unit-name.ts';

/** A file as it was read. */
export interface UnitFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** What the folders of units have of a name. */
export type Located =
  | { readonly kind: 'file'; readonly unit: string; readonly path: string }
  | { readonly kind: 'masked'; readonly unit: string; readonly path: string }
  | { readonly kind: 'template'; readonly unit: string; readonly path: string }
  | { readonly kind: 'missing'; readonly unit: string };

/** The folders of unit files, as systemd takes them together (systemd.unit(5)). */
export class UnitFolders {
  readonly #folders: readonly string[];
  readonly #disk: Disk;
  readonly #aliases = new Map<string, string[]>();

  readonly #unitDir: string;

  /** `unitDir`: the one that units of ours are in. */
  constructor(folders: readonly string[], unitDir: string) {
    this.#folders = folders;
    this.#unitDir = unitDir;
    this.#disk = readDisk(folders);
    for (const name of this.names()) {
      const { unit } = this.locate(name);
      if (unit !== name) this.#aliases.set(unit, [...(this.#aliases.get(unit) ?? []), name]);
    }
  }

  /** All names of services, of templates and of instances that a link starts. */
  names(): readonly string[] {
    const linked = [...this.#disk.linked()].filter((name) => name.endsWith('.service'));
    return [...new Set([...this.#folders.flatMap((folder) => this.#disk.namesIn(folder)), ...linked])].sort();
  }

  /** Follows what is but another name of a unit. */
  locate(unit: string, depth = 0): Located {
    const fragment = this.#disk.fragment(unit);
    if (fragment === undefined) return { kind: 'missing', unit };
    if (fragment.kind === 'masked') return { kind: 'masked', unit, path: fragment.path };
    const { path } = fragment;
    if (fragment.kind === 'link') {
      const to = resolve(dirname(path), fragment.target);
      const other = instanceOf(basename(to), unit);
      if (other !== unit && this.#isOurs(dirname(to)) && depth < 16) return this.locate(other, depth + 1);
    }
    return { kind: nameOf(unit).instance === '' ? 'template' : 'file', unit, path };
  }

  /** Folders may be reached by other paths: /lib is /usr/lib. */
  #isOurs(folder: string): boolean {
    const real = realOf(folder);
    return this.#folders.some((own) => own === folder || realOf(own) === real);
  }

  /** The drop-ins of a unit, in the order that they count. */
  dropIns(unit: string): readonly DropIn[] {
    return dropInsOf(this.#folders, [unit, ...this.aliases(unit)], this.#unitDir);
  }

  /** What the unit pulls in by links of its own, which go by its name. */
  pullsIn(unit: string): readonly (readonly [directive: 'Wants' | 'Requires', unit: string])[] {
    return (['Wants', 'Requires'] as const).flatMap((directive) =>
      [...new Set([unit, templateOf(unit) ?? unit])].flatMap((name) =>
        this.#folders.flatMap((folder) =>
          namesIn(join(folder, `${name}.${directive.toLowerCase()}`)).map((other) => [directive, other] as const),
        ),
      ),
    );
  }

  /** The units that links of people start it with. */
  startedWith(unit: string): readonly string[] {
    const names = [unit, ...(this.#aliases.get(unit) ?? [])];
    const links = names.flatMap((name) => this.#disk.links(name));
    return [...new Set(links.map((path) => basename(dirname(path)).replace(/\.(wants|requires|upholds)$/, '')))];
  }

  /** Sockets, timers and paths of its name. */
  starters(unit: string): readonly string[] {
    const names = ['socket', 'timer', 'path'].map((kind) => unit.replace(/service$/, kind));
    return names.filter((name) => this.#disk.fragment(name) !== undefined);
  }

  /** Other names of it. */
  aliases(unit: string): readonly string[] {
    return this.#aliases.get(unit) ?? [];
  }
}

/** Where a name leads to a template, it means that one's instance of the same name. */
function instanceOf(target: string, unit: string): string {
  const { prefix, instance } = nameOf(target);
  const own = nameOf(unit).instance;
  return instance === '' && own !== undefined ? `${prefix}@${own}.service` : target;
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Throws what reading says. A drop-in that leads to /dev/null is an empty one. */
export function readUnitFile(path: string): UnitFile {
  return { path, bytes: readFileSync(path) };
}
