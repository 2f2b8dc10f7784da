// Choosing a log level touches nothing else of what holds for a while.
import { expect, test } from 'vitest';
import { levelOf, withLevel } from './runtime.ts';

test('a level is put in, changed and taken out', () => {
  const quiet = { rules_enabled: { noisy: false }, monitoring: { metrics_interval: 5 } };
  const loud = withLevel(quiet, 'DEBUG');
  expect(loud).toEqual({
    rules_enabled: { noisy: false },
    monitoring: { metrics_interval: 5, log_level: 'DEBUG' },
  });
  expect(levelOf(loud)).toBe('DEBUG');
  expect(withLevel(loud, '')).toEqual(quiet);
  expect(withLevel({ monitoring: { log_level: 'INFO' } }, '')).toEqual({});
  expect(withLevel({}, 'ERROR')).toEqual({ monitoring: { log_level: 'ERROR' } });
});

test('what is no section is replaced by one', () => {
  expect(levelOf({ monitoring: 5 })).toBe('');
  expect(withLevel({ monitoring: 5 }, 'INFO')).toEqual({ monitoring: { log_level: 'INFO' } });
});
