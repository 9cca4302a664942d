/** RFC 5256 §3: messages as threads. Node 0 is the root, whose children are the threads; in links 0 means that there is none. */
export interface ThreadTree {
  /** By node: the UID or sequence number; 0: a dummy (only the root and its children). */
  readonly numbers: Uint32Array
  readonly firstChild: Uint32Array
  readonly nextSibling: Uint32Array
}
