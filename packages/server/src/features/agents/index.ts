export { type AgentRow, type AgentView, type ConditionChange, toAgent } from './agent.ts';
export { AgentParams, agentsOperations } from './agents.operations.ts';
export {
  AGENT_EVENT,
  type AgentsService,
  type Change,
  createAgentsService,
} from './agents.service.ts';
export {
  agentNames,
  assignedAgents,
  countByStatus,
  formerAgent,
  insertAgent,
  livingAgentByName,
  removedSince,
} from './agents.store.ts';
