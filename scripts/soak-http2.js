/** An Express app goes in that also answers HTTP/2 comes out: Express itself gives requests and responses the prototypes of HTTP/1. */
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

/** `app.request` and `app.response`, with Express's own methods on top of HTTP/2's. */
export function speakHttp2(app, express) {
  app.request = adopt(express.request, Http2ServerRequest.prototype, app);
  app.response = adopt(express.response, Http2ServerResponse.prototype, app);
  return app;
}

function adopt(methods, prototype, app) {
  const own = Object.create(prototype, Object.getOwnPropertyDescriptors(methods));
  const assignable = (value) => ({ value, writable: true, configurable: true });
  // Express assigns `req.res` and `res.req`, of which HTTP/2 has a getter.
  return Object.create(own, {
    app: assignable(app),
    req: assignable(undefined),
    res: assignable(undefined),
  });
}
