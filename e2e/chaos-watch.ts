/** Looks at the process table all through a test: which agents run, and whether any ever runs twice. */
import { readdirSync, readFileSync } from 'node:fs';

export interface AgentProcess {
  agent_id: string;
  pid: number;
}

const SAMPLE_MS = 100;

/** Live agent processes of one data folder, found by what their environment says. */
export function agentProcesses(dataDir: string): AgentProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const agentId = agentIdOf(Number(name), dataDir);
      return agentId === undefined ? [] : [{ agent_id: agentId, pid: Number(name) }];
    });
}

/** Samples until stopped; `doubles` names every agent that was seen running twice at one moment. */
export function watchAgents(dataDir: string): { stop(): { samples: number; doubles: string[] } } {
  const doubles = new Set<string>();
  let samples = 0;
  const timer = setInterval(() => {
    samples += 1;
    const found = agentProcesses(dataDir);
    for (const { agent_id: id } of found) {
      const same = found.filter((one) => one.agent_id === id);
      if (same.length > 1) doubles.add(`${id}: processes ${same.map(({ pid }) => pid).join(', ')}`);
    }
  }, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      return { samples, doubles: [...doubles] };
    },
  };
}

/** Undefined for everything else, for a process that is gone meanwhile, and for a zombie. */
function agentIdOf(pid: number, dataDir: string): string | undefined {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${dataDir}/agents/`)) {
      return undefined;
    }
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return environment.find((entry) => entry.startsWith('AGENT_ID='))?.slice('AGENT_ID='.length);
  } catch {
    return undefined;
  }
}
