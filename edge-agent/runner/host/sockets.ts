/**
 * wasi:sockets, refused: making a socket or looking a name up gives `access-denied`, so no resource but the network
 * itself ever comes into being. What a function may do on the network goes through wasi:http.
 */

class Network {}
class ResolveAddressStream {}
class TcpSocket {}
class UdpSocket {}
class IncomingDatagramStream {}
class OutgoingDatagramStream {}

/** The case of wasi:sockets' `error-code`; jco hands what is thrown to the guest as a value. */
function denied(): never {
  throw 'access-denied';
}

export const sockets: Record<string, object> = {
  'wasi:sockets/instance-network': { instanceNetwork: () => new Network() },
  'wasi:sockets/ip-name-lookup': { ResolveAddressStream, resolveAddresses: denied },
  'wasi:sockets/network': { Network, networkErrorCode: () => undefined },
  'wasi:sockets/tcp': { TcpSocket },
  'wasi:sockets/tcp-create-socket': { createTcpSocket: denied },
  'wasi:sockets/udp': { IncomingDatagramStream, OutgoingDatagramStream, UdpSocket },
  'wasi:sockets/udp-create-socket': { createUdpSocket: denied },
};
