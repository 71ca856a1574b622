/** What the chat view takes from npm, as one file for the browser: `bundle.js` makes it. */
export { Chat, useChat } from '@ai-sdk/react';
export { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from 'ai';
export {
  createElement,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
export { createRoot } from 'react-dom/client';
