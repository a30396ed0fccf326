import { describe } from 'vitest';
import { whyNoSystemdHost } from './needs.ts';

/**
 * `describe` for tests on a host with a systemd of its own. Where none can be had they are skipped, and setup.ts says why;
 * but where `CI` is set they run, and fail for that reason.
 */
export const describeOnSystemd = describe.skipIf(whyNoSystemdHost() !== undefined && !process.env.CI);
