/** The gateway's URL goes in; one conversation is held without the package and with it. Its spans are the picture at the top of the page. */
import { randomBytes } from 'node:crypto';

const SESSION = 'conv-42';
const QUESTIONS = ['Hello', 'And again'];

/** The turns by their traces, known before they are held: the page asks for them when it likes. */
export const picture = [true, false].flatMap((plain) =>
  QUESTIONS.map((message) => ({
    plain,
    message,
    sent: SESSION,
    trace: randomBytes(16).toString('hex'),
  })),
);

/** Holds the turns, on the faux model whatever keys there are. */
export async function takePicture(url) {
  for (const turn of picture) {
    // The demo has ended, and the answer does not come any more.
    if (!(await hold(url, turn).catch(() => false))) return;
  }
}

async function hold(url, { plain, message, sent, trace }) {
  const response = await fetch(`${url}${plain ? '/plain' : ''}/invoke`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      traceparent: `00-${trace}-${trace.slice(16)}-01`,
    },
    body: JSON.stringify({
      session_id: sent,
      data: { inputs: { message }, parameters: { engine: 'pi', model: 'faux' } },
    }),
  });
  await response.text();
  return true;
}
