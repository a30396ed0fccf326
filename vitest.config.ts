import { defineConfig } from 'vitest/config';

// Integration tests start real processes, system tests boot real hosts: they get time. Both wait far more than they compute:
// three files at once keep two cores busy. Integration tests and system tests see each other's processes: one kind after
// the other.
const hosts = { testTimeout: 120_000, maxWorkers: 3 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/golden/*.test.ts'],
          testTimeout: 30_000,
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...hosts,
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...hosts,
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          globalSetup: 'test/rig/systemd/setup.ts',
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
