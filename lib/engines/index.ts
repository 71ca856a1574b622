/** The public names of `express-agent-envelope/engines`. */

export type { AgentRun, AgentRunResult } from '../shared/agent-run.js';
export type { AgentMessage, MediaPart, MessagePart, TextPart } from '../shared/messages.js';
export type {
  AgentEvent,
  ToolApproval,
  ToolApprovalEvent,
  ToolCall,
  ToolResult,
} from '../shared/run-events.js';
export { defineEngine, type EnginePrompt } from './define-engine.js';
export type { AgentEngine, AgentRunRequest, EngineRequest, EngineSession } from './engine.js';
export { type RunOptions, run } from './run.js';
