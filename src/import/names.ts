/** The longest that a service's name may be. */
const LONGEST = 63;

/** A valid name of a service, as near to a text as can be: `MyApp.service` is `myapp.service`, `a b` is `a-b`. */
export function nameFor(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, LONGEST)
    .replace(/[-.]+$/, '');
  return name === '' ? 'service' : name;
}

/** The same, or with the first free number behind it. */
export function freeName(name: string, isTaken: (name: string) => boolean): string {
  if (!isTaken(name)) return name;
  for (let number = 2; ; number += 1) {
    const end = `-${number}`;
    const next = `${name.slice(0, LONGEST - end.length)}${end}`;
    if (!isTaken(next)) return next;
  }
}

/** Of a command line: what is run, without folders and endings; of an interpreter, its script. */
export function nameOfProgram(path: string): string {
  return nameFor(
    (path.split('/').pop() ?? path).replace(/\.(py|pyc|js|mjs|cjs|ts|sh|bash|pl|rb|php|jar|bin|exe)$/i, ''),
  );
}
