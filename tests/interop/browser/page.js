// Two telephones of a web page, with one face: JsSIP and SIP.js.

import JsSIP from "jssip";
import {
  Inviter, Registerer, RegistererState, SessionState, UserAgent,
} from "sip.js";

const MEDIA = { audio: true, video: false };
const NO_ICE_SERVERS = { iceServers: [] };

/** A promise that is kept from outside. */
function later() {
  let keep;
  let give_up;
  const promise = new Promise((resolve, reject) => {
    keep = resolve;
    give_up = reject;
  });
  // Who looks at it later is told then.
  promise.catch(() => {});
  return { promise, keep, give_up };
}

/** What happens one after the other, waited for one after the other. */
class Queue {
  #values = [];
  #waiting = [];

  put(value) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(value);
    else this.#values.push(value);
  }

  next() {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** RTP packets that have come in. */
async function packets(connection) {
  let count = 0;
  for (const report of (await connection.getStats()).values()) {
    if (report.type === "inbound-rtp") count += report.packetsReceived;
  }
  return count;
}

class JsSipCall {
  #session;
  #established = later();
  #ended = later();

  constructor(session) {
    this.#session = session;
    session.on("confirmed", () => this.#established.keep());
    session.on("failed", ({ cause }) => {
      this.#established.give_up(new Error(`failed: ${cause}`));
      this.#ended.keep(`failed: ${cause}`);
    });
    session.on("ended", ({ originator }) => this.#ended.keep(originator));
  }

  accept() {
    this.#session.answer({ mediaConstraints: MEDIA, pcConfig: NO_ICE_SERVERS });
  }

  established() { return this.#established.promise; }
  ended() { return this.#ended.promise; }
  hangUp() { this.#session.terminate(); }
  packets() { return packets(this.#session.connection); }
}

class JsSipPhone {
  #agent;
  #incoming = new Queue();

  constructor({ server, user, password, domain }) {
    this.#agent = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(server)],
      uri: `sip:${user}@${domain}`,
      password,
      register: true,
    });
    this.#agent.on("newRTCSession", ({ originator, session }) => {
      if (originator === "remote") this.#incoming.put(new JsSipCall(session));
    });
  }

  register() {
    const registered = later();
    this.#agent.on("registered", () => registered.keep());
    this.#agent.on("registrationFailed", ({ cause }) => registered.give_up(new Error(cause)));
    this.#agent.start();
    return registered.promise;
  }

  async call(uri) {
    return new JsSipCall(
      this.#agent.call(uri, { mediaConstraints: MEDIA, pcConfig: NO_ICE_SERVERS }),
    );
  }

  incoming() { return this.#incoming.next(); }

  unregister() {
    const gone = later();
    this.#agent.on("unregistered", () => gone.keep());
    this.#agent.unregister({ all: false });
    return gone.promise;
  }
}

const SIP_JS_MEDIA = { sessionDescriptionHandlerOptions: { constraints: MEDIA } };

class SipJsCall {
  #session;
  #established = later();
  #ended = later();
  #asked = false;

  constructor(session) {
    this.#session = session;
    session.stateChange.addListener((state) => {
      if (state === SessionState.Established) this.#established.keep();
      if (state === SessionState.Terminated) {
        this.#established.give_up(new Error("terminated"));
        this.#ended.keep(this.#asked ? "local" : "remote");
      }
    });
  }

  accept() { this.#session.accept(SIP_JS_MEDIA); }
  established() { return this.#established.promise; }
  ended() { return this.#ended.promise; }

  hangUp() {
    this.#asked = true;
    this.#session.bye();
  }

  packets() { return packets(this.#session.sessionDescriptionHandler.peerConnection); }
}

class SipJsPhone {
  #agent;
  #registerer;
  #incoming = new Queue();

  constructor({ server, user, password, domain }) {
    this.#agent = new UserAgent({
      uri: UserAgent.makeURI(`sip:${user}@${domain}`),
      transportOptions: { server },
      authorizationUsername: user,
      authorizationPassword: password,
      sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: NO_ICE_SERVERS },
      delegate: { onInvite: (invitation) => this.#incoming.put(new SipJsCall(invitation)) },
      logLevel: "warn",
    });
    this.#registerer = new Registerer(this.#agent);
  }

  async register() {
    await this.#agent.start();
    const registered = later();
    this.#registerer.stateChange.addListener((state) => {
      if (state === RegistererState.Registered) registered.keep();
    });
    await this.#registerer.register({
      requestDelegate: {
        onReject: ({ message }) => registered.give_up(new Error(`${message.statusCode}`)),
      },
    });
    return registered.promise;
  }

  async call(uri) {
    const inviter = new Inviter(this.#agent, UserAgent.makeURI(uri), SIP_JS_MEDIA);
    const call = new SipJsCall(inviter);
    await inviter.invite();
    return call;
  }

  incoming() { return this.#incoming.next(); }

  async unregister() {
    const gone = later();
    this.#registerer.stateChange.addListener((state) => {
      if (state === RegistererState.Unregistered) gone.keep();
    });
    await this.#registerer.unregister();
    return gone.promise;
  }
}

globalThis.phones = { jssip: JsSipPhone, sipjs: SipJsPhone };
