/**
 * What is in the outbox is first an event's input, and later its outcome. So events come in only while everything
 * together has this share of the limit: the rest is for what becomes of them.
 */
export const eventShare = 0.75;
