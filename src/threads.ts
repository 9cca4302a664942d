import type { MessagePort } from 'node:worker_threads'
import type { Settings } from './config/settings.ts'
import type { TlsMaterial } from './net/tls.ts'
import type { Id } from './mail/id.ts'

/** What the main thread and the protocol threads say to each other. */
export interface ProtocolThreadData {
  readonly settings: Settings
  readonly tls: TlsMaterial | undefined
  /** 0 to 15: ids of messages differ by it. */
  readonly slot: number
  /** Leases are held under this number; never given twice while a process lives. */
  readonly owner: number
}

export type ToProtocolThread =
  /** The storage is there: serve. */
  | { readonly is: 'go'; readonly port: MessagePort; readonly newestId: Id }
  | { readonly is: 'reload'; readonly settings: Settings; readonly tls: TlsMaterial | undefined }
  | { readonly is: 'state'; readonly number: number; readonly reset: boolean }
  | { readonly is: 'stop' }

export type FromProtocolThread =
  | { readonly is: 'bound'; readonly listening: readonly Bound[] }
  | { readonly is: 'serving' }
  | { readonly is: 'state'; readonly number: number; readonly state: ThreadState }
  /** Something that a person should see. */
  | { readonly is: 'complaint'; readonly text: string }
  | { readonly is: 'stopped' }

export type Bound =
  | { readonly is: 'listening'; readonly address: { readonly address: string; readonly port: number } }
  | { readonly is: 'failed'; readonly code: string; readonly reason: string }

export interface ThreadState {
  readonly slot: number
  readonly sessions: number
  /** ms */
  readonly loopDelayP99: number
  readonly loopDelayMax: number
}
