import type { Imported } from '../../../src/import/found.ts';
import type { Service } from '../../../src/model.ts';

/** The service that an imported file declares, with its secrets where the command puts them. */
export function serviceOf({ name, service, secrets }: Imported): Service {
  const written = service as unknown as Service['written'];
  const files = Object.keys(secrets).length === 0 ? [] : ['/etc/reconciled/import/secrets.env'];
  const environmentFiles = [...files, ...(written.environmentFiles ?? [])];
  return {
    ...{ id: name, name, supervisor: 'systemd', state: written.state ?? 'running', autostart: false, after: [] },
    ...{ formerly: [], changes: 'now', inputs: {}, file: `services/${name}.yaml` },
    written: environmentFiles.length === 0 ? written : { ...written, environmentFiles },
  };
}
