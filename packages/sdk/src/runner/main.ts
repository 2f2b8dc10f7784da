/** The process of one supervised agent: reads its environment, loads the package, runs it, exits. */
import { randomUUID } from 'node:crypto';
import { canonicalConfig, EXIT_CONFIG, type Manifest, mergeLayers } from '@opmas/protocol';
import { ConfigLedger } from '../agent/config-ledger.ts';
import type { BaseAgent } from '../base-agent.ts';
import { AgentError, faultsIn, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { constructWith } from '../runtime/ambient.ts';
import { createRuntime, enrolledId } from '../runtime/connected.ts';
import type { AgentRuntime } from '../runtime/runtime.ts';
import { type AgentClass, loadPackage } from './package.ts';
import { resolveFromHost } from './resolve-host.ts';
import { type RunnerSettings, readSettings } from './settings.ts';
import { trustAuthorities } from './trust.ts';

const EXIT_FAILED = 1;

/** Runs until the agent has ended; answers the exit code. */
async function run(settings: RunnerSettings): Promise<number> {
  const { manifest, defaults, agent: Agent } = await loadPackage(settings.packageDir);
  const common = {
    managementUrl: settings.managementUrl,
    agentName: manifest.name,
    agentType: manifest.type,
    version: manifest.version,
    stateDir: settings.stateDir,
    instanceId: settings.instanceId ?? randomUUID(),
    ...(settings.token === undefined ? {} : { token: settings.token }),
    ...(settings.stopGraceMs === undefined ? {} : { stopGraceMs: settings.stopGraceMs }),
  };
  const agentId =
    settings.agentId ?? (await enrolledId({ ...common, about: aboutOf(manifest), complain }));
  const runtime = createRuntime({
    ...common,
    agentId,
    agentType: typeOf(agentId) ?? manifest.type,
    packageDefaults: mergeLayers(defaults, canonicalConfig(settings.layer)),
  });
  const agent = construct(Agent, runtime, { ...settings, agentId });
  let signalled = false;
  const end = () => {
    signalled = true;
    agent.stop().catch((error: unknown) => {
      complain(messageOf(error));
      process.exit(EXIT_FAILED);
    });
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  try {
    await agent.start();
    // A subclass that starts by itself and names no topics reads the configured ones.
    if (agent.topics.length === 0 && !signalled) {
      await agent.subscribeToTopics(agent.config.value.subscribed_topics);
    }
  } catch (error) {
    if (signalled) return 0;
    await stopAfterFailure(agent, runtime);
    if (isConfigFault(error) && (await fallsBack(runtime, error))) {
      throw new AgentError(
        'OPMAS_AGENT_CRASHED',
        `the next start takes the last configuration that worked: ${messageOf(error)}`,
        { cause: error },
      );
    }
    throw error;
  }
  return (await agent.ended) === 'refused' ? EXIT_FAILED : 0;
}

/**
 * The type as the server registered it, `{type}-{uuid}`. Without AGENT_TYPE it came from the name of the
 * folder in the agents directory, which a copy in the package store does not have.
 */
function typeOf(agentId: string): string | undefined {
  return /^(.+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(agentId)?.[1];
}

/** What the server knows of a package it found itself, and is told by one on another machine. */
function aboutOf({ description, tags, subscribed_topics, findings_topic }: Manifest) {
  return { description, tags, subscribed_topics, findings_topic };
}

/** A constructor that throws will throw again: no reason to start it over and over. */
function construct(
  Agent: AgentClass,
  runtime: AgentRuntime,
  settings: RunnerSettings & { agentId: string },
): BaseAgent {
  const { agentId, managementUrl, token, packageDir } = settings;
  try {
    return constructWith(runtime, () => new Agent(agentId, managementUrl, token));
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError(
      'OPMAS_INVALID_CONFIGURATION',
      `the agent of ${packageDir} cannot be constructed: ${error instanceof Error ? error.stack : messageOf(error)}`,
      { cause: error },
    );
  }
}

function complain(message: string): void {
  process.stderr.write(`${message}\n`);
}

function isConfigFault(error: unknown): boolean {
  return error instanceof AgentError && error.code === 'OPMAS_INVALID_CONFIGURATION';
}

/** Nobody wanted this end, as `stop` takes it: the start counts against a configuration on trial. */
async function stopAfterFailure(agent: BaseAgent, runtime: AgentRuntime): Promise<void> {
  const kept = await runtime.cachedConfigs();
  await agent.stop();
  if (kept === undefined) return;
  await runtime
    .keepConfigs(kept)
    .catch((error: unknown) => complain(`the failed start cannot be kept: ${messageOf(error)}`));
}

/** The agent cannot start with its configuration on trial: is there one to go back to? */
async function fallsBack(runtime: AgentRuntime, error: unknown): Promise<boolean> {
  const ledger = new ConfigLedger(runtime);
  await ledger.load();
  return ledger.giveUp(faultsIn(error));
}

/** Exit code 78 has the host wait for a new configuration. */
function exitCodeOf(error: unknown): number {
  return isConfigFault(error) ? EXIT_CONFIG : EXIT_FAILED;
}

process.on('uncaughtException', (error) => {
  complain(`the agent crashed: ${error instanceof Error ? error.stack : messageOf(error)}`);
  process.exit(EXIT_FAILED);
});
resolveFromHost();
const read = readSettings(process.argv.slice(2), process.env);
if (read.ok) {
  trustAuthorities(read.settings.stateDir, complain);
  try {
    process.exitCode = await run(read.settings);
  } catch (error) {
    complain(messageOf(error));
    process.exitCode = exitCodeOf(error);
  }
  // Whatever an author left running must not keep an ended agent alive.
  setTimeout(() => process.exit(), limits.exitGraceMs).unref();
} else {
  for (const { path, message } of read.faults) complain(`${path}: ${message}`);
  process.exitCode = EXIT_CONFIG;
}
