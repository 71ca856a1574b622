// LangGraph with a thread of its own; OpenInference makes its spans.
import { LangChainInstrumentation } from '@arizeai/openinference-instrumentation-langchain';
import * as callbackManager from '@langchain/core/callbacks/manager';
import { MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph';
import { ChatOpenAI } from '@langchain/openai';

new LangChainInstrumentation().manuallyInstrument(callbackManager);
const model = new ChatOpenAI({ model: 'small' });
const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addEdge('__start__', 'model')
  .compile({ checkpointer: new MemorySaver() });

export async function answer(content, thread) {
  const messages = [{ role: 'user', content }];
  const state = await graph.invoke({ messages }, { configurable: { thread_id: thread } });
  return state.messages.at(-1).text;
}
