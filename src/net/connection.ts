/**
 * One connection with a peer, as the protocol loops see it: bytes in by callback, bytes out by `write`, and nothing of sockets.
 * Callbacks instead of streams or promises, because thousands of idle sessions must cost little memory each.
 */
export interface Connection {
  readonly peer: Peer
  /** undefined: plain text so far. */
  readonly tls: TlsState | undefined
  /** Bytes written but not yet taken by the peer. Above `HIGH_WATER` a loop stops reading input until `drained`. */
  readonly unsent: number
  /** Writes of one turn of the event loop leave in one packet. The bytes are not copied: they must stay as they are until sent. Strings are UTF-8. */
  write(bytes: Uint8Array | string): void
  /** No `data` until `resume`. Idempotent. */
  pause(): void
  resume(): void
  /**
   * The server's side of STARTTLS (no argument; in the same turn as the reply is written), or the client's. What was written before leaves in
   * plain text first. Input that was already here in plain text is thrown away, by the loop and by the connection (RFC 3207 §4.2);
   * `secured` or `closed` follows, and no `data` before.
   */
  startTls(client?: ClientTls): void
  /** `handler.deadline()` follows unless it is set again or cleared (undefined) in `ms`. Coarse: up to a second late. */
  deadline(ms: number | undefined): void
  /** Sends what was written, then closes; a peer that doesn't take it is cut off after some seconds. */
  end(): void
  /** Cuts it off. */
  destroy(): void
}

export interface ConnectionHandler {
  data(chunk: Buffer): void
  drained(): void
  /** The TLS handshake is done; a deadline that was set before it runs on. */
  secured(tls: TlsState): void
  /** The time set by `deadline` is over; the connection is still open for a farewell: the handler must `end` it, or it is cut off in some seconds. */
  deadline(): void
  /**
   * The last call, once. A peer that shut down its sending half counts as gone when all its input was handed over; that isn't noticed
   * while paused, so a loop that pauses while it works can still answer.
   */
  closed(why: ClosedBy, detail?: string): void
}

/** `tls`: the handshake failed. `us`: after our `end` or `destroy`. */
export type ClosedBy = 'peer' | 'us' | 'error' | 'tls'

export interface Peer {
  /** The client's address, from the PROXY header where one was accepted. IPv4-mapped IPv6 addresses are written as IPv4. '' (port 0): a Unix socket. */
  readonly address: string
  readonly port: number
  readonly local: { readonly address: string; readonly port: number }
}

/** How a client does its handshake. */
export interface ClientTls {
  /** Sent as SNI unless it is an IP address, and the name that the certificate is checked for. */
  readonly servername: string
  /** true: an untrusted, expired or misnamed certificate is `closed('tls', reason)`. false: any will do (RFC 7435). */
  readonly verify: boolean
  /** Trusted roots in PEM; undefined: those that Node brings. */
  readonly ca?: string | undefined
}

export interface TlsState {
  /** 'TLSv1.3' */
  readonly protocol: string
  /** IANA name, 'TLS_AES_256_GCM_SHA384' */
  readonly cipher: string
  /** SNI */
  readonly servername: string | undefined
}

/** Bytes; see `Connection.unsent`. */
export const HIGH_WATER = 64 * 1024
