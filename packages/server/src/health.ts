/** Is OPMAS itself well? Each part is asked, with a bound. */
import { type Bus, brokerHealth } from '@opmas/bus';
import type { HealthReport } from '@opmas/protocol';
import { messageOf } from './kernel/errors.ts';
import type { Database } from './platform/ports.ts';
import type { Settings } from './settings.ts';

const PING_MS = 2_000;
export const VERSION = '0.1.0';

export function healthReporter(options: {
  database: Database;
  bus: Bus;
  settings: Settings;
}): () => Promise<HealthReport> {
  const { database, bus, settings } = options;
  return async () => {
    const [databaseState, broker] = await Promise.all([askDatabase(database), brokerHealth(bus)]);
    const shared = settings.nats.accountSeed === undefined;
    const components: HealthReport['components'] = {
      database: databaseState,
      broker: broker.up
        ? {
            status: shared ? 'degraded' : 'up',
            detail: shared
              ? `nats-server ${broker.version}; agents share one credential: set OPMAS_NATS_ACCOUNT_SEED`
              : `nats-server ${broker.version}`,
          }
        : { status: 'down', detail: broker.error ?? 'not connected' },
    };
    const states = Object.values(components).map((component) => component.status);
    return {
      status: states.includes('down')
        ? 'unavailable'
        : states.includes('degraded')
          ? 'degraded'
          : 'ready',
      components,
      durability: durability(settings, broker.version),
      version: VERSION,
    };
  };
}

async function askDatabase(database: Database): Promise<HealthReport['components'][string]> {
  try {
    await database.ping(PING_MS);
    return { status: 'up' };
  } catch (error) {
    return { status: 'down', detail: messageOf(error) };
  }
}

/** What survives what: said in words, because it depends on the broker's version. */
function durability(settings: Settings, version: string): string {
  const minor = Number(/^2\.(\d+)/.exec(version)?.[1] ?? 0);
  const broker =
    settings.embedded.includes('nats') && minor >= 10
      ? 'events and findings survive kill -9 and power loss'
      : 'events and findings survive kill -9; on power loss the last moments before the broker synced may be lost';
  return `committed rows survive power loss; ${broker}`;
}
