/** An agent's world without a broker: payloads go in, findings come out as the JSON that would be sent. */

import { type ConfigLayer, DOMAINS, type Rule } from '@opmas/protocol';
import { type AgentRuntime, systemClock } from '@opmas/sdk';
import { MemoryWindowLog } from '@opmas/sdk/testing';

export type Deliver = (data: Uint8Array) => Promise<void>;

export interface BenchRuntime extends AgentRuntime {
  /** Bytes of findings so far, and their number. */
  readonly sent: { findings: number; bytes: number };
  /** Works a message of events; resolves when it is acknowledged. */
  deliver: Deliver;
}

/**
 * @param rules as the server sends them
 * @param processing how events are worked, where it is not as usual
 */
export function benchRuntime(rules: readonly Rule[], processing: ConfigLayer = {}): BenchRuntime {
  const sent = { findings: 0, bytes: 0 };
  const topics = DOMAINS.map((domain) => `logs.${domain}`).slice(0, 1);
  let key = 0;
  return {
    agentId: 'bench-1',
    agentName: 'BenchAgent',
    agentType: 'bench',
    version: '1.0.0',
    instanceId: 'bench-instance',
    clock: systemClock,
    packageDefaults: {
      subscribed_topics: topics,
      findings_topic: 'findings.system',
      rules: [...rules],
      processing,
    },
    sent,
    deliver: async () => {
      throw new Error('the agent has not subscribed yet');
    },
    open: async (handlers) => handlers.link('up', 'bench'),
    cachedConfigs: async () => undefined,
    fetchConfig: async () => ({ version: 1, hash: 'bench', config: {} }),
    renewAccess: async () => undefined,
    keepConfigs: async () => undefined,
    async consume(topic, _options, work) {
      this.deliver = (data) =>
        new Promise((resolve, reject) => {
          work({
            topic,
            data,
            key: String(key++),
            deliveries: 1,
            ack: resolve,
            nak: () => reject(new Error('an event failed')),
            working: () => undefined,
          }).catch(reject);
        });
      return async () => undefined;
    },
    left: async () => 'nothing' as const,
    windowLog: new MemoryWindowLog(),
    async publishFinding(_topic, finding) {
      sent.findings += 1;
      sent.bytes += Buffer.from(JSON.stringify(finding)).length;
    },
    publishDeadLetter: async (_id, letter) => {
      throw new Error(letter.error);
    },
    tell: () => undefined,
    log: () => undefined,
    close: async () => undefined,
  };
}
