import packageJson from '../../../package.json' with { type: 'json' };
import { examine } from '../../doctor/examine.ts';
import { CHECKS } from '../../doctor/index.ts';
import { openMeans } from '../../doctor/means.ts';
import type { Context, Options } from '../context.ts';
import { countsOf, doctorJson, doctorText } from '../views/doctor.ts';

/** `reconcile doctor`: what is wrong here, and how to mend it. Only looks; 3 where something is. */
export async function doctorCommand({ config, out, style, width }: Context, options: Options): Promise<number> {
  const diagnosis = await examine(CHECKS, openMeans(config, packageJson.version, options.ailing));
  out(options.json ? `${JSON.stringify(doctorJson(diagnosis), null, 2)}\n` : doctorText(diagnosis, { style, width }));
  return countsOf(diagnosis).error > 0 ? 3 : 0;
}
