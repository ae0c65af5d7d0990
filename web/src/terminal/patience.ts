/** Milliseconds between pings. */
export const PING_EVERY = 8_000;
/** Milliseconds in which something must come after a ping: a dead peer is found after 18 seconds at most. */
export const PONG_WITHIN = 10_000;
/** Milliseconds for a connection to become ready. */
export const READY_WITHIN = 15_000;
/** Milliseconds of tries without success, after which a person has to ask for the next. */
export const GIVE_UP_AFTER = 5 * 60_000;
/** Milliseconds that a connection must have been good for, so that its end is not taken for another failure of the same kind. */
export const STABLE_AFTER = 10_000;
/** Bytes that wait to be drawn, at most. More can only come while input is stuck: see `window` in docs/protocol.md. */
export const BACKLOG_MAX = 8 * 1024 * 1024;
