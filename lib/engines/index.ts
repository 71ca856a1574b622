/** The public names of `express-agent-envelope/engines`. */

export type {
  AgentEvent,
  AgentMessage,
  AgentRun,
  AgentRunResult,
  MediaPart,
  MessagePart,
  TextPart,
  ToolApproval,
  ToolApprovalEvent,
  ToolCall,
  ToolResult,
} from '../shared/run-events.js';
export { defineEngine, type EnginePrompt } from './define-engine.js';
export type { AgentEngine, AgentRunRequest, EngineRequest, EngineSession } from './engine.js';
export { type RunOptions, run } from './run.js';
