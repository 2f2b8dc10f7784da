/** The specification's example agent, member by member in TypeScript. */
import { type AgentHealth, BaseAgent, type Finding, type LogEvent, type Rule } from '@opmas/sdk';

export default class SpecificAgent extends BaseAgent {
  private rules: Rule[] = [];

  constructor(agentId: string, managementApiUrl: string, initialToken?: string) {
    super(agentId, managementApiUrl, initialToken);
    this.setupMetrics();
    this.setupLogging();
  }

  private setupMetrics(): void {
    this.metrics.registerCounter('events_processed', 'Total events processed');
    this.metrics.registerCounter('errors', 'Total processing errors');
    this.metrics.registerHistogram('processing_time', 'Event processing time');
    this.metrics.registerGauge('active_rules', 'Number of active rules');
  }

  private setupLogging(): void {
    this.logger.setLevel('INFO');
  }

  private async loadRules(): Promise<void> {
    this.rules = this.config.get<Rule[]>('RULES', []);
    this.metrics.set('active_rules', this.rules.length);
    this.logger.info(`Loaded ${this.rules.length} rules.`);
  }

  protected override async configChanged(): Promise<void> {
    await this.loadRules();
  }

  override async start(): Promise<void> {
    await super.start();
    await this.loadRules();
    await this.subscribeToTopics(this.config.get<string[]>('SUBSCRIBED_TOPICS', []));
    this.logger.info(`Agent ${this.agentName} started successfully.`);
  }

  override async stop(): Promise<void> {
    this.logger.info(`Agent ${this.agentName} stopping.`);
    await super.stop();
  }

  override async processEvent(event: LogEvent): Promise<void> {
    const startTime = performance.now();
    try {
      if (!this.validateEvent(event)) return;
      const findings = await this.findingsOf(event);
      if (findings.length > 0) await this.publishFindings(findings);
      this.metrics.increment('events_processed');
      this.metrics.observe('processing_time', (performance.now() - startTime) / 1000);
    } catch (error) {
      this.logger.error(`Error processing event: ${String(error)}`, { event_id: event.event_id });
      this.metrics.increment('errors');
      await this.handleError(error);
    }
  }

  private validateEvent(event: LogEvent): boolean {
    const requiredFields = ['event_id', 'timestamp', 'type', 'message'];
    return requiredFields.every((field) => field in event);
  }

  private async findingsOf(event: LogEvent): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const rule of this.rules) {
      if (event.message.includes(rule.pattern)) {
        const finding = this.createFinding({
          type: rule.type ?? 'generic_alert',
          severity: rule.severity,
          description: `Rule '${rule.name}' matched`,
          details: {
            event: this.sanitizeData(event),
            rule_id: rule.id,
            matched_pattern: rule.pattern,
          },
        });
        findings.push(finding);
      }
    }
    return findings;
  }

  override async handleError(error: unknown): Promise<void> {
    this.logger.error(`Agent error: ${String(error)}`);
    this.metrics.increment('errors');
    await this.reportError({
      error: String(error),
      timestamp: new Date().toISOString(),
      agent_id: this.agentId,
    });
  }

  override async checkHealth(): Promise<AgentHealth> {
    return {
      status: 'healthy',
      metrics: {
        events_processed: this.metrics.get('events_processed'),
        errors: this.metrics.get('errors'),
        processing_time: this.metrics.get('processing_time'),
        active_rules: this.metrics.get('active_rules'),
      },
      timestamp: new Date().toISOString(),
    };
  }
}
