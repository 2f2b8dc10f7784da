export { type AgentRow, type AgentView, type ConditionChange, toAgent } from './agent.ts';
export { AgentParams, agentsOperations } from './agents.operations.ts';
export {
  AGENT_EVENT,
  type AgentsService,
  type Change,
  createAgentsService,
} from './agents.service.ts';
export {
  agentFacts,
  agentNames,
  allAgentFacts,
  assignedAgents,
  countByStatus,
  formerAgent,
  hostlessAgents,
  insertAgent,
  livingAgentByName,
  removedSince,
} from './agents.store.ts';
