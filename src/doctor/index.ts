import { clock } from './clock.ts';
import { conflicts } from './conflicts.ts';
import { daemon } from './daemon.ts';
import { decisions } from './decisions.ts';
import { desiredState } from './desired-state.ts';
import { folders } from './folders.ts';
import { git } from './git.ts';
import { limits } from './limits.ts';
import type { Check } from './means.ts';
import { rotation } from './rotation.ts';
import { session } from './session.ts';
import { settings } from './settings.ts';
import { sockets } from './sockets.ts';
import { space } from './space.ts';
import { supervisord } from './supervisord.ts';
import { systemd } from './systemd.ts';
import { tool } from './tool.ts';

/** All that is looked at, in the order that it is told. */
export const CHECKS: readonly Check[] = [
  ...[tool, settings, desiredState, git, folders, space, daemon, sockets, decisions],
  ...[systemd, supervisord, conflicts, rotation, session, limits, clock],
];
