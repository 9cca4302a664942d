import type { ClientTls, Connection, ConnectionHandler } from './connection.ts'

/** The network port: every outgoing connection is made here. The real one is `net/dial.ts`. */
export interface Network {
  /**
   * Connects, and with `secure` also does the TLS handshake. `open` is called once, when connected and before any input is handed over,
   * and gives the handler, as for an accepted connection; it isn't called when the attempt failed. Never rejects.
   */
  connect(to: Destination, open: (connection: Connection) => ConnectionHandler): Promise<Dialled>
}

export type Destination = {
  /** ms for the connection, and for the TLS handshake of `secure`, together. */
  readonly timeout: number
  /** TLS from the first byte (RFC 8314 §3.3). */
  readonly secure?: ClientTls | undefined
} & (
  | {
      /** An IP address: names are for the resolver. */
      readonly address: string
      readonly port: number
      /** The own address to connect from. */
      readonly localAddress?: string | undefined
    }
  | { /** A Unix socket. */ readonly path: string }
)

export type Dialled =
  | { readonly is: 'connected'; readonly connection: Connection }
  | {
      readonly is: 'failed'
      /** For people: 'connection refused'. */
      readonly reason: string
      /** 'ECONNREFUSED', 'ETIMEDOUT', and 'ETLS' for whatever went wrong in the handshake. */
      readonly code: string
    }
