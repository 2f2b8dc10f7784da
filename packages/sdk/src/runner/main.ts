/** The process of one supervised agent: reads its environment, loads the package, runs it, exits. */
import { canonicalConfig, EXIT_CONFIG, mergeLayers } from '@opmas/protocol';
import type { BaseAgent } from '../base-agent.ts';
import { AgentError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { constructWith } from '../runtime/ambient.ts';
import { createRuntime } from '../runtime/connected.ts';
import type { AgentRuntime } from '../runtime/runtime.ts';
import { type AgentClass, loadPackage } from './package.ts';
import { resolveFromHost } from './resolve-host.ts';
import { type RunnerSettings, readSettings } from './settings.ts';

const EXIT_FAILED = 1;

/** Runs until the agent has ended; answers the exit code. */
async function run(settings: RunnerSettings): Promise<number> {
  const { manifest, defaults, agent: Agent } = await loadPackage(settings.packageDir);
  const runtime = createRuntime({
    agentId: settings.agentId,
    managementUrl: settings.managementUrl,
    agentName: manifest.name,
    agentType: typeOf(settings.agentId) ?? manifest.type,
    version: manifest.version,
    stateDir: settings.stateDir,
    packageDefaults: mergeLayers(defaults, canonicalConfig(settings.layer)),
    ...(settings.token === undefined ? {} : { token: settings.token }),
    ...(settings.instanceId === undefined ? {} : { instanceId: settings.instanceId }),
  });
  const agent = construct(Agent, runtime, settings);
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
    await agent.stop();
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

/** A constructor that throws will throw again: no reason to start it over and over. */
function construct(Agent: AgentClass, runtime: AgentRuntime, settings: RunnerSettings): BaseAgent {
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

function exitCodeOf(error: unknown): number {
  const bad = error instanceof AgentError && error.code === 'OPMAS_INVALID_CONFIGURATION';
  return bad ? EXIT_CONFIG : EXIT_FAILED;
}

process.on('uncaughtException', (error) => {
  complain(`the agent crashed: ${error instanceof Error ? error.stack : messageOf(error)}`);
  process.exit(EXIT_FAILED);
});
resolveFromHost();
const read = readSettings(process.argv.slice(2), process.env);
if (read.ok) {
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
