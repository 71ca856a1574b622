/** An engine that fails: what it says is for its operator's logs, never for a client. */
export const failingEngine = {
  name: 'failing',
  async open() {
    return {
      id: `failing-${Date.now()}`,
      // biome-ignore lint/correctness/useYield: it fails before it says anything
      async *prompt() {
        throw new Error('connection refused: password "hunter2" at 10.0.0.7');
      },
      async close() {},
    };
  },
};
