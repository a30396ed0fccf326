/**
 * Holds open all code that this process could ever need, and loads it from there: what it was started from may be replaced or
 * deleted while it runs. The build makes the list; from the sources there is none.
 */
export async function preload(): Promise<void> {
  // One folder up from the bundle's chunks.
  if (!import.meta.url.endsWith('.js')) return;
  const { hold } = (await import(new URL('../preload.js', import.meta.url).href)) as { hold: () => void };
  hold();
}
