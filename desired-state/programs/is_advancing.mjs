// A probe: has the bridge written a new scan lately? Its exit code is the answer.
import { keptNumber } from './lib.mjs';

const limit = Number(process.env.SCAN_INTERVAL_MS) * 3 + 2000;
process.exit(keptNumber('scan').age() < limit ? 0 : 1);
