import { isIP, type Socket } from 'node:net'
import { type SecureContext, connect as tlsConnect, TLSSocket } from 'node:tls'
import type { ClientTls, TlsState } from './connection.ts'
import { clientContext } from './tls.ts'

/** Over a connected socket; what was read ahead from it is taken for the beginning of the handshake. Done when it says 'secure'. */
export function serverSide(socket: Socket, secureContext: SecureContext): TLSSocket {
  return new TLSSocket(socket, { isServer: true, secureContext })
}

/** The same for a client. Done when it says 'secureConnect'. */
export function clientSide(socket: Socket, client: ClientTls): TLSSocket {
  return tlsConnect({
    socket,
    // RFC 6066 §3: no literal addresses in SNI; `host` is what the certificate is checked for.
    host: client.servername,
    ...(isIP(client.servername) === 0 ? { servername: client.servername } : {}),
    rejectUnauthorized: client.verify,
    secureContext: clientContext(client.ca),
  })
}

/** Of a socket whose handshake is done. */
export function tlsState(socket: TLSSocket): TlsState {
  const { servername } = socket
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    servername: typeof servername === 'string' ? servername : undefined,
  }
}

/**
 * What OpenSSL calls the reason ('unsupported protocol'), or the error's own words without Node's advice behind the semicolon. A peer's
 * certificate can have its say in them: printable, and at most 200 characters.
 */
export function describe(error: Error): string {
  const words = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message
  const [first = ''] = words.split('; ', 1)
  return first.slice(0, 200).replace(/[^ -~]/g, '?')
}
