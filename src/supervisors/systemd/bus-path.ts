const UNITS = '/org/freedesktop/systemd1/unit/';

/**
 * The object path of a unit. systemd loads what is asked for by its path, so that a unit needs no call to be found first:
 * `LoadState` then says whether there is one.
 */
export function unitPath(name: string): string {
  return `${UNITS}${escapeLabel(name)}`;
}

/** The name of the unit behind an object path; undefined where the path is not a unit's. */
export function unitName(path: string): string | undefined {
  return path.startsWith(UNITS) ? unescapeLabel(path.slice(UNITS.length)) : undefined;
}

/** systemd's bus_label_escape: letters and digits stay, but for a leading digit; each other byte becomes `_xx`. */
export function escapeLabel(text: string): string {
  if (text === '') return '_';
  let label = '';
  for (const [at, byte] of Buffer.from(text).entries()) {
    const character = String.fromCharCode(byte);
    const plain = /[A-Za-z]/.test(character) || (at > 0 && /[0-9]/.test(character));
    label += plain ? character : `_${byte.toString(16).padStart(2, '0')}`;
  }
  return label;
}

export function unescapeLabel(label: string): string {
  if (label === '_') return '';
  const bytes: number[] = [];
  for (let at = 0; at < label.length; at++) {
    const hex = label[at] === '_' ? /^[0-9a-f]{2}/i.exec(label.slice(at + 1, at + 3))?.[0] : undefined;
    bytes.push(hex === undefined ? label.charCodeAt(at) : Number.parseInt(hex, 16));
    if (hex !== undefined) at += 2;
  }
  return Buffer.from(bytes).toString();
}
