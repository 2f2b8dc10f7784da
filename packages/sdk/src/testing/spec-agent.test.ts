/** The specification's example agent (agent package, section 5), translated line by line. */
import type { Finding, LogEvent, Rule } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { BaseAgent } from '../index.ts';
import { testAgent } from './index.ts';

class SpecificAgent extends BaseAgent {
  rules: Rule[];

  constructor(agentId: string, managementApiUrl: string, initialToken?: string) {
    super(agentId, managementApiUrl, initialToken);
    this.rules = [];
    this._setupMetrics();
    this._setupLogging();
  }

  _setupMetrics(): void {
    this.metrics.registerCounter('events_processed', 'Total events processed');
    this.metrics.registerCounter('errors', 'Total processing errors');
    this.metrics.registerHistogram('processing_time', 'Event processing time');
    this.metrics.registerGauge('active_rules', 'Number of active rules');
  }

  _setupLogging(): void {
    this.logger.setLevel('INFO');
  }

  async _loadRules(): Promise<void> {
    this.rules = this.config.get<Rule[]>('RULES', []);
    this.metrics.set('active_rules', this.rules.length);
    this.logger.info(`Loaded ${this.rules.length} rules.`);
  }

  override async start(): Promise<void> {
    await super.start();
    await this._loadRules();
    await this.subscribeToTopics(this.config.get<string[]>('SUBSCRIBED_TOPICS', []));
    this.logger.info(`Agent ${this.agentName} started successfully.`);
  }

  override async stop(): Promise<void> {
    this.logger.info(`Agent ${this.agentName} stopping.`);
    await super.stop();
  }

  override async processEvent(event: LogEvent): Promise<void> {
    const startTime = this.clock.now();
    try {
      if (!this._validateEvent(event)) return;
      const findings = await this._processEvent(event);
      if (findings.length > 0) await this.publishFindings(findings);
      this.metrics.increment('events_processed');
      this.metrics.observe('processing_time', (this.clock.now() - startTime) / 1000);
    } catch (error) {
      this.logger.error(`Error processing event: ${String(error)}`, { event_id: event.event_id });
      this.metrics.increment('errors');
      await this.handleError(error);
    }
  }

  _validateEvent(event: LogEvent): boolean {
    return ['event_id', 'timestamp', 'type', 'message'].every((field) => field in event);
  }

  async _processEvent(event: LogEvent): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const rule of this.rules) {
      if (event.message.includes(rule.pattern)) {
        const finding = this.createFinding({
          type: rule.type ?? 'generic_alert',
          severity: rule.severity ?? 'warning',
          description: `Rule '${rule.name}' matched`,
          details: {
            event: this._sanitizeData(event),
            rule_id: rule.id,
            matched_pattern: rule.pattern,
          },
        });
        findings.push(finding);
      }
    }
    return findings;
  }

  _sanitizeData(data: LogEvent): Record<string, unknown> {
    return this.sanitizeData(data);
  }

  override async handleError(error: unknown): Promise<void> {
    this.logger.error(`Agent error: ${String(error)}`);
    this.metrics.increment('errors');
    await this.reportError({
      error: String(error),
      timestamp: new Date(this.clock.now()).toISOString(),
      agent_id: this.agentId,
    });
  }

  override async checkHealth() {
    return {
      status: 'healthy',
      metrics: {
        events_processed: this.metrics.get('events_processed'),
        errors: this.metrics.get('errors'),
        processing_time: this.metrics.get('processing_time'),
        active_rules: this.metrics.get('active_rules'),
      },
      timestamp: new Date(this.clock.now()).toISOString(),
    };
  }
}

const config = {
  SUBSCRIBED_TOPICS: ['logs.security', 'logs.auth'],
  RULES: [
    {
      id: 'rule-1',
      name: 'Failed Login Detection',
      pattern: 'Failed login attempt',
      severity: 'warning',
      action: 'alert',
    },
  ],
};

test('the specification’s example agent makes the specification’s finding', async () => {
  const h = testAgent(SpecificAgent, { config });
  expect(
    await h.emit('logs.security', {
      event_id: 'e-456',
      message: 'Failed login attempt for root',
      password: 'hunter2',
    }),
  ).toBe('acked');
  expect(await h.emit('logs.auth', { message: 'session opened' })).toBe('acked');
  expect(h.findings).toMatchObject([
    {
      type: 'generic_alert',
      severity: 'warning',
      description: "Rule 'Failed Login Detection' matched",
      details: {
        event_id: 'e-456',
        rule_id: 'rule-1',
        matched_pattern: 'Failed login attempt',
        event: { password: '******' },
      },
    },
  ]);
  expect(h.metrics.get('events_processed')).toBe(2);
  expect(h.metrics.get('active_rules')).toBe(1);
  expect(h.metrics.get('processing_time')).toMatchObject({ count: 2 });
  expect(h.logs.map((line) => line.message)).toContain('Agent TestAgent started successfully.');
  await h.stop();
  expect(h.logs.at(-1)?.message).toBe('Agent TestAgent stopping.');
});

test('its error handling reports, and the event is not delivered again', async () => {
  class Failing extends SpecificAgent {
    override async _processEvent(): Promise<Finding[]> {
      throw new Error('disk on fire');
    }
  }
  const h = testAgent(Failing, { config });
  expect(await h.emit('logs.auth', { message: 'x' })).toBe('acked');
  expect(h.metrics.get('errors')).toBe(2);
  expect(h.agent.getStatus()).toMatchObject({ status: 'degraded', reason: 'Error: disk on fire' });
  expect(h.logs).toContainEqual(
    expect.objectContaining({ level: 'error', message: 'Error: disk on fire' }),
  );
});
