/** What "Break it" sends: a label, what to look for, and the request. `session` is on the envelope where it is not the point. */
const json = { 'content-type': 'application/json', accept: 'application/json' };
const data = { inputs: { message: 'Hello' } };
const session_id = 'break-it';

const post = (body, path = '/invoke', headers = json) => ({
  method: 'POST',
  path,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

/** The ordinary request that is to work right after. */
export const ordinary = post({ session_id, data });

export const CASES = [
  {
    name: 'blank-id',
    label: 'Blank id',
    look: 'Blank counts as absent: nothing is refused, the engine names the conversation.',
    request: post({ session_id: '   ', data }),
  },
  {
    name: 'number-id',
    label: 'Number as id',
    look: 'The rule and the place, never the value.',
    request: post({ session_id: 7, data }),
  },
  {
    name: 'long-id',
    label: '129 characters',
    look: 'Never cut to fit: half an id is another id.',
    request: post({ session_id: 'x'.repeat(129), data }),
  },
  {
    name: 'both-spellings',
    label: 'Both spellings',
    look: 'Either data, or its fields at the top level: both at once would have to be guessed.',
    request: post({ session_id, data, inputs: data.inputs }),
  },
  {
    name: 'media-type',
    label: 'Wrong media type',
    look: 'A browser sends text/plain across origins unasked.',
    request: post({ session_id, data }, '/invoke', { ...json, 'content-type': 'text/plain' }),
  },
  {
    name: 'malformed',
    label: 'Malformed JSON',
    look: 'Nothing of the body is quoted back.',
    request: post('{"session_id": "break-it", "data": '),
  },
  {
    name: 'too-large',
    label: 'Too large',
    look: 'The limit is 1 MB, and the app’s to set.',
    request: post({ session_id, data: { inputs: { message: 'x'.repeat(1_100_000) } } }),
  },
  {
    name: 'handler-throws',
    label: 'A handler that throws',
    look: 'The id is there; the text of the error is not.',
    request: post({ session_id, data }, '/break/handler'),
  },
  {
    name: 'engine-fails',
    label: 'An engine that fails',
    look: 'A code for the client; the engine’s own words stay with the server.',
    request: post({ session_id, data }, '/break/engine'),
  },
  {
    name: 'client-leaves',
    label: 'A client that leaves',
    look: 'Nobody is left to be told. The handler’s signal ends the engine: its span ends early.',
    request: post({ session_id, data }, '/stream', { ...json, accept: 'application/x-ndjson' }),
    leaves: true,
  },
];
