/**
 * Headers that belong to one connection and are never forwarded, in lower case: those of RFC 9110, section 7.6.1, and
 * older ones that proxies know. Code that forwards heads must also leave out the headers that `connection` names, and
 * may leave out more.
 */
export const hopByHop: readonly string[] = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
];
