/**
 * The content of a message (RFC 5321 §2.3.1: header and body), as bytes with CRLF line ends, not dot-stuffed.
 * Small contents stay in memory; large ones are a file, before which the `head` that we stamped (Received and the like) goes.
 */
export type Content =
  | { readonly in: 'memory'; readonly bytes: Uint8Array }
  | { readonly in: 'file'; readonly path: string; readonly head: Uint8Array; readonly size: number }

/** In bytes, with the stamped head. */
export function contentSize(content: Content): number {
  return content.in === 'memory' ? content.bytes.length : content.size
}
