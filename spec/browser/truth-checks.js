/** What the page says must be so: of ids that were lost, and of those that only look like it. */
import assert from 'node:assert/strict';

const values = {
  message: 'Hello',
  session: 'conv-truth',
  engine: 'pi',
  reply: 'json',
  plain: false,
};

export const truthChecks = [
  [
    'a request from elsewhere to the plain route is told as such, not as one whose id was carried',
    async ({ page, button, sendFromElsewhere, rows }) => {
      await button('New conversation').click();
      const inputs = { message: 'From elsewhere' };
      const { card, reply } = sendFromElsewhere('/plain/invoke', {
        session_id: 'conv-far',
        data: { inputs },
      });
      await reply;
      await card.locator('.count[data-ok="false"]').waitFor();
      assert.equal(await card.getAttribute('data-from'), 'plain');
      assert.doesNotMatch(await card.locator('.origin').textContent(), /sent by the client/);
      assert.equal((await rows(card)).filter(({ standing }) => standing === 'missing').length, 2);
      await page.locator('#conversations', { hasText: 'without the package' }).waitFor();
    },
  ],
  [
    'an id that is not the one that was sent is told as another one',
    async ({ button, send, settled, rows }) => {
      await button('New conversation').click();
      const card = await settled(await send({ ...values, plain: true }));
      assert.equal(
        await card.locator('.count').textContent(),
        'No span carries the id that was sent: 2 carry another one, 2 none',
      );
      const standings = (await rows(card)).map(({ standing }) => standing);
      assert.deepEqual(standings.toSorted(), ['missing', 'missing', 'other', 'other']);
      assert.equal(await card.locator('.chip.other').count(), 2);
    },
  ],
  [
    'a refused id is told as refused, not as lost',
    async ({ button, send, settled, rows }) => {
      await button('New conversation').click();
      const card = await settled(await send({ ...values, session: 'x'.repeat(129) }), 'failed', 1);
      await card.locator('.count[data-ok="true"]', { hasText: /^Refused/ }).waitFor();
      assert.match(await card.locator('.origin').textContent(), /^Refused/);
      assert.ok((await rows(card)).every(({ standing }) => standing === 'none'));
    },
  ],
  [
    'a stop before the engine has named the conversation loses no id and fails nothing',
    async ({ page, button, send, settled, rows }) => {
      await button('New conversation').click();
      const card = await send({ ...values, session: '', engine: 'rivet' });
      await button('Stop').click();
      await settled(card, 'stopped', 3);
      assert.notEqual(await card.locator('.count').getAttribute('data-ok'), 'false');
      assert.equal(await card.locator('.span.failed, .chip.missing').count(), 0);
      assert.ok((await rows(card)).every(({ standing }) => /none|carried/.test(standing)));
      await page.locator('#turns .span.stopped').first().waitFor();
    },
  ],
  [
    'a remote engine, which has no id of its own, shows none beside the session id',
    async ({ button, ask, rows }) => {
      await button('New conversation').click();
      const all = await rows(await ask({ ...values, session: 'conv-far', engine: 'remote' }, 8));
      const services = new Set(all.filter(({ own }) => own).map(({ service }) => service));
      assert.deepEqual([...services], ['runner']);
      assert.ok(all.every(({ own, session }) => own !== session));
    },
  ],
];
