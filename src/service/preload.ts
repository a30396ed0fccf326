/**
 * Loads all code that this process could ever need: what it was started from may be replaced or deleted while it runs. The
 * build makes the list; from the sources there is none.
 */
export async function preload(): Promise<void> {
  // One folder up from the bundle's chunks.
  if (import.meta.url.endsWith('.js')) await import(new URL('../preload.js', import.meta.url).href);
}
