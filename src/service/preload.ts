import { closeSync, openSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

/** The global by which code of the bundle loads a chunk that is held: as importing it, without a look for its file. */
export const LOADER = '__reconciledChunk';

/** What the build lists of chunks that a daemon could ever need. */
interface Listed {
  readonly names: readonly string[];
  readonly load: (name: string) => Promise<unknown>;
}

/**
 * Holds open all code that this process could ever need, and loads it from there when it is first needed: what it was started
 * from may be replaced or deleted while it runs. From the sources there is no list. Throws what opening a file says.
 */
export async function preload(): Promise<void> {
  if (!import.meta.url.endsWith('.js')) return;
  // One folder up from the bundle's chunks.
  const list = new URL('../preload.js', import.meta.url).href;
  const { names, load } = (await import(list)) as Listed;
  const files = new Map(names.map((name) => [name, new URL(`chunks/${name}.js`, list).href]));
  const ours = new Set(files.values());
  const held = new Map([...ours].map((url) => [url, openSync(new URL(url), 'r')]));
  registerHooks({
    resolve: (specifier, context, next) => {
      const { parentURL } = context;
      const url = specifier.startsWith('./') && parentURL ? new URL(specifier, parentURL).href : specifier;
      return ours.has(url) ? { url, format: 'module', shortCircuit: true } : next(specifier, context);
    },
    load: (url, context, next) => {
      const fd = held.get(url);
      if (fd === undefined) return next(url, context);
      held.delete(url);
      const source = readFileSync(fd, 'utf8');
      closeSync(fd);
      return { format: 'module', source, shortCircuit: true };
    },
  });
  const loaded = new Map<string, Promise<unknown>>();
  const once = (name: string) => {
    const module = loaded.get(name) ?? (files.has(name) ? load(name) : undefined);
    if (module !== undefined) loaded.set(name, module);
    return module;
  };
  Object.assign(globalThis, { [LOADER]: once });
}
