/**
 * An entry of the outbox is first an event's input, and later its outcome. So events are accepted only while everything
 * together has this share of the limit: the rest is for outcomes.
 */
export const eventShare = 0.75;
