/** The broker's configuration: what a server lacks is left out, and no path breaks out of its quotes. */
import { describe, expect, it } from 'vitest';
import { atLeast, natsConfig } from './nats-config.ts';
import { createTrust } from './trust.ts';

const options = { trust: createTrust(), port: -1, dataDir: '/data', serverName: 's' };

describe('natsConfig', () => {
  it('asks for fsync only where the server knows the option: an unknown one stops it', () => {
    const config = (version?: string) =>
      natsConfig({
        ...options,
        syncInterval: 'always',
        ...(version === undefined ? {} : { version }),
      });
    expect(config('nats-server: v2.10.4')).toContain('sync_interval: "always"');
    expect(config('v2.9.10')).not.toContain('sync_interval');
    expect(config()).not.toContain('sync_interval');
  });

  it('opens no monitoring port', () => {
    expect(natsConfig(options)).not.toMatch(/^\s*https?(_port)?:/m);
  });

  it('keeps quotes, backslashes and line breaks of a path inside its quotes', () => {
    const text = natsConfig({ ...options, dataDir: '/a "b"\\c\nport: 1' });
    expect(text).toContain('store_dir: "/a \\"b\\"\\\\c\\nport: 1/js"');
    expect(text.match(/^port:/gm)).toHaveLength(1);
  });

  it('preloads the account as the database says, not as it was first made', () => {
    const text = natsConfig({ ...options, accountJwt: 'today' });
    expect(text).toContain(`${options.trust.account.identity.public_key}: today`);
    expect(text).not.toContain(options.trust.account.jwt);
  });

  it('compares versions by number', () => {
    expect(atLeast('2.9.10', 2, 10)).toBe(false);
    expect(atLeast('2.10.0', 2, 9)).toBe(true);
    expect(atLeast('3.0.0', 2, 10)).toBe(true);
    expect(atLeast('nonsense', 0, 0)).toBe(false);
  });
});
