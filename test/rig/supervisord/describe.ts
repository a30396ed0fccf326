import { describe } from 'vitest';
import { hasSupervisord } from './needs.ts';

/**
 * `describe` for tests with a real supervisord. Where there is none they are skipped, and setup.ts says so; but where `CI`
 * is set they run, and fail for that reason.
 */
export const describeWithSupervisord = describe.skipIf(!hasSupervisord() && !process.env.CI);
