/**
 * Headers that are about one connection and never pass on: those of RFC 9110, section 7.6.1, and older ones that
 * proxies know. In lower case. Who passes heads on has more of its own to leave out; what `connection` names, too.
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
