// LangChain; OpenInference makes its spans.
import { LangChainInstrumentation } from '@arizeai/openinference-instrumentation-langchain';
import * as callbackManager from '@langchain/core/callbacks/manager';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { ChatOpenAI } from '@langchain/openai';

new LangChainInstrumentation().manuallyInstrument(callbackManager);
const prompt = ChatPromptTemplate.fromMessages([['user', '{question}']]);
const chain = prompt.pipe(new ChatOpenAI({ model: 'small' }));

export async function answer(question) {
  const { text } = await chain.invoke({ question });
  return text;
}
