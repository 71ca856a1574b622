/** The frames of one run go in, as its client gets them; what is wrong with them comes out, by the goal that it misses. */

export class Story {
  #id;
  #count;
  #isKilled;
  #deltas = 0;
  /** The processes that answered, in order. */
  #pids = [];
  /** What was asked for last: the run's own mark. */
  tag;
  frames = [];
  runId;
  lastId;
  /** `run.end` or `error`, once it is over. */
  ended;
  faults = { id: [], order: [], mixed: [], lost: [], unexplained: [] };
  /** How often it was read on, taken up by another worker, and asked for again before it had begun. */
  resumed = 0;
  replaced = 0;
  askedAgain = 0;

  /** @param isKilled - whether the process with this id was killed */
  constructor(id, count, isKilled) {
    this.#id = id;
    this.#count = count;
    this.#isKilled = isKilled;
  }

  fault(goal, what) {
    this.faults[goal].push(`${this.tag}: ${what}`);
  }

  /** The header of a reply. */
  isFrom(sessionId) {
    if (sessionId !== this.#id) this.fault('id', `${sessionId} in the header`);
  }

  /** A reply that is no stream. */
  refused(status, problem) {
    this.ended = 'error';
    this.#error({ status, ...problem });
  }

  take(frame) {
    this.frames.push(frame);
    const { id, event, data } = frame;
    if (event === 'error') {
      this.ended = 'error';
      return this.#error(data);
    }
    const expected = this.lastId === undefined ? 0 : Number(this.lastId) + 1;
    if (Number(id) !== expected) this.fault('order', `event ${id} where ${expected} was to come`);
    this.lastId = id;
    this.#read(data);
  }

  #read(data) {
    if (data.type === 'run.start') {
      this.runId = data.run_id;
      if (data.session_id !== this.#id) this.fault('id', `${data.session_id} in run.start`);
    } else if (data.type === 'session.replaced') {
      this.replaced += 1;
      const [, from] = data.from.split('-');
      this.#pids.push(Number(from));
      if (!this.#isKilled(Number(from))) this.fault('unexplained', 'replaced, and nobody killed');
    } else if (data.type === 'message.delta') {
      this.#delta(JSON.parse(data.delta));
    } else if (data.type === 'run.end') {
      this.ended = 'run.end';
      if (this.#deltas !== this.#count) this.fault('lost', `${this.#deltas} of ${this.#count}`);
    } else this.fault('mixed', `an event of the type ${data.type}`);
  }

  #delta({ tag, i, pid, seen }) {
    if (tag !== this.tag) this.fault('mixed', `an event of ${tag}`);
    if (seen !== this.#id) this.fault('id', `${seen} in the worker`);
    if (i !== this.#deltas) this.fault('order', `delta ${i} where ${this.#deltas} was to come`);
    if (i > 0 && pid !== this.#pids.at(-1)) this.fault('mixed', 'the second half of another');
    this.#deltas += 1;
    this.#pids.push(pid);
  }

  /** Only one whose worker was killed may end so. */
  #error({ code, status, session_id }) {
    if (session_id !== this.#id) this.fault('id', `${session_id} in an error`);
    if (code === 'ENGINE_FAILED' && status === 502 && this.#pids.some(this.#isKilled)) return;
    this.fault('unexplained', `${code} ${status} of a run whose worker nobody killed`);
  }
}
