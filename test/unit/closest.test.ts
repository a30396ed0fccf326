import { expect, it } from 'vitest';
import { closest } from '../../src/closest.ts';

it('is the candidate that is a slip away, or the only one that goes on from what was typed', () => {
  const names = ['nautilus_trader', 'scan_bridge', 'scan_store'];
  expect(closest('nautilus_tradr', names)).toBe('nautilus_trader');
  expect(closest('nautilus', names)).toBe('nautilus_trader');
  expect(closest('NAUT', names)).toBe('nautilus_trader');
  // Two do, or too little was typed to tell.
  expect(closest('scan', names)).toBeUndefined();
  expect(closest('na', names)).toBeUndefined();
});
