// LangChain, as a stream; OpenInference makes its spans.
import { LangChainInstrumentation } from '@arizeai/openinference-instrumentation-langchain';
import * as callbackManager from '@langchain/core/callbacks/manager';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { ChatOpenAI } from '@langchain/openai';

new LangChainInstrumentation().manuallyInstrument(callbackManager);
const chain = new ChatOpenAI({ model: 'small' }).pipe(new StringOutputParser());

export async function answer(question) {
  let text = '';
  for await (const part of await chain.stream(question)) text += part;
  return text;
}
