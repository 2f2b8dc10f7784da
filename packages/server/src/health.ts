/** Is OPMAS itself well? Each part is asked, with a bound. */
import { type Bus, brokerHealth } from '@opmas/bus';
import type { HealthReport } from '@opmas/protocol';
import type { RevocationState } from './features/credentials/index.ts';
import { messageOf } from './kernel/errors.ts';
import type { Database } from './platform/ports.ts';
import type { Settings } from './settings.ts';

const PING_MS = 2_000;
export const VERSION = '0.1.0';

export function healthReporter(options: {
  database: Database;
  bus: Bus;
  settings: Settings;
  revocations: () => RevocationState;
}): () => Promise<HealthReport> {
  const { database, bus, settings, revocations } = options;
  return async () => {
    const [databaseState, broker] = await Promise.all([askDatabase(database), brokerHealth(bus)]);
    const weakness = weaknessOf(settings, revocations());
    const components: HealthReport['components'] = {
      database: databaseState,
      broker: broker.up
        ? {
            status: weakness === undefined ? 'up' : 'degraded',
            detail: `nats-server ${broker.version}${weakness === undefined ? '' : `; ${weakness}`}`,
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

/** What an administrator would want to know of the broker's identities. */
function weaknessOf({ nats }: Settings, revocations: RevocationState): string | undefined {
  if (nats.accountSeed === undefined) {
    return 'agents share one credential: set OPMAS_NATS_ACCOUNT_SEED';
  }
  if (!revocations.possible) {
    return 'cannot revoke: credentials end by themselves, within an hour; set OPMAS_NATS_ACCOUNT, OPMAS_NATS_SYS_CREDS and OPMAS_NATS_OPERATOR_SEED';
  }
  if (revocations.error !== undefined) {
    return `cannot revoke now: ${revocations.error}; it is tried again`;
  }
  return undefined;
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
