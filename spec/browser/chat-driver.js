/** The page's driver goes in; what a person does in the chat, and sees of it, comes out. */
import assert from 'node:assert/strict';

/** The scripted model repeats what it is told, a word at a time: there is time to press a button. */
export const LONG = 'So long! '.repeat(60);

/** A red PNG of 3 × 2 pixels. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAEElEQVR4nGP8z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==',
  'base64',
);

/** A file to attach. */
export const png = (buffer = PNG) => ({ name: 'picture.png', mimeType: 'image/png', buffer });

export async function attach(page, chat, picture) {
  await chat.locator('input[type="file"]').setInputFiles(picture);
  await chat.locator('.chat-actions img').waitFor();
  await page.getByLabel('Your message', { exact: true }).fill('Look at this');
}

/** Checks whose driver has that of the chat beside the page's own. */
export const withChat = (checks) =>
  checks.map(([name, check]) => [name, (driver) => check({ ...driver, ...driveChat(driver) })]);

function driveChat({ page, tab, button, begun, settled, rows }) {
  const chat = page.locator('#chat');
  const message = page.getByLabel('Your message', { exact: true });
  const lines = chat.locator('.chat-message');
  const answer = () => lines.last();
  const status = (text) => chat.locator('.status', { hasText: text }).waitFor();
  const open = async () => {
    await tab('Chat with useChat').click();
    await message.waitFor();
  };
  /** The chat's own id, which is to be that of the session. */
  const id = () => chat.locator('.head [data-session]').getAttribute('data-session');

  async function begin(engine) {
    await open();
    await button('New conversation').click();
    await chat.locator('.suggestions.first').waitFor();
    await page.getByLabel('Answered by').selectOption(engine);
  }

  /** Says something, or does what `act` does, and returns the card of its turn when that has begun. */
  const say = (act) =>
    begun(async () => {
      if (typeof act === 'function') return act();
      await message.fill(act);
      await message.press('Enter');
    });

  /** Until the turn is over for the server, and for the chat. */
  async function askChat(act, state = 'done', least = 3) {
    const card = await settled(await say(act), state, least);
    await status(/Ready|waits|failed/);
    return card;
  }

  /** Each span of the turn, however few there are, has this id, and the message that came has it, too. */
  async function assertOneId(card, id) {
    for (const { name, session } of await rows(card)) {
      assert.equal(session, id, `${name} shows ${session}`);
    }
    assert.match(await card.locator('.count').textContent(), /^All \d+ spans carry the same id$/);
    const told = await lines.locator('.facts [data-session]').all();
    assert.ok(told.length > 0, 'no message has an id');
    for (const each of told) assert.equal(await each.getAttribute('data-session'), id);
  }

  return { chat, message, lines, answer, status, open, id, begin, say, askChat, assertOneId };
}
