/** Which files a schema is for, as the YAML extension of VS Code (and its language server elsewhere) takes it. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  // Not those of labels/ and hosts/: they are layers, and have only what differs.
  service: ['/desired-state/services/*.yaml', '/desired-state/services/*.yml'],
  policy: ['/desired-state/policy.yaml'],
  supervisor: ['/desired-state/supervisors/*.yaml'],
  host: ['/desired-state/hosts/*.yaml'],
};

/** `.vscode/settings.json`. */
export function editorSettings(): string {
  const schemas = Object.entries(FILES).map(([name, files]) => [`./schemas/${name}.schema.json`, files]);
  return json({ 'yaml.schemas': Object.fromEntries(schemas), 'yaml.validate': true, 'yaml.completion': true });
}

/** `.vscode/extensions.json`. */
export function editorExtensions(): string {
  return json({ recommendations: ['redhat.vscode-yaml'] });
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
