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
      if (same.length > 1)
        doubles.add(`${id}: ${same.map(({ pid }) => described(pid)).join('; ')}`);
    }
  }, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      return { samples, doubles: [...doubles] };
    },
  };
}

/** From the state on; what stands before may hold anything. */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** For the failure's message: who started the process, when, and as what. */
function described(pid: number): string {
  try {
    const [state, parent, ...rest] = statOf(pid);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return `process ${pid} (${state}) of ${parent}, started at tick ${rest[17]}: ${command}`;
  } catch (error) {
    return `process ${pid}, gone meanwhile (${String(error)})`;
  }
}

/**
 * Undefined for everything else, for a process that is gone meanwhile, and for a zombie. An agent leads its process
 * group; what its start forks on the way, to mount its view of the files, looks like it for a moment and does not.
 */
function agentIdOf(pid: number, dataDir: string): string | undefined {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${dataDir}/agents/`)) {
      return undefined;
    }
    if (statOf(pid)[2] !== String(pid)) return undefined;
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return environment.find((entry) => entry.startsWith('AGENT_ID='))?.slice('AGENT_ID='.length);
  } catch {
    return undefined;
  }
}
