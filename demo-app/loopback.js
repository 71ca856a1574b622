/** A request of a page goes in; one that another process of this machine has served may read the answer. */

/** No `*`: any site in the person's browser could read it then. */
export function allowLoopback({ headers: { origin } }, res, next) {
  if (isLoopback(origin)) {
    res.set({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'x-session-id',
      vary: 'origin',
    });
  }
  next();
}

function isLoopback(origin) {
  if (!URL.canParse(origin)) return false;
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(origin).hostname);
}
