import type { MessagePort } from 'node:worker_threads'
import type { LogLevel, LogTarget } from '../log/lines.ts'
import type { Id } from '../mail/id.ts'
import type { Notice, OperationName, Operations, StorageResult } from './operations.ts'

/** What travels between the threads. Only here and in its two ends: everybody else sees `Storage`. */
export interface StorageThreadData {
  readonly data: string
  readonly timeline: { readonly maxAge: number; readonly maxSize: number }
  readonly log: LogTarget
  readonly level: LogLevel
}

export type ToStorageThread =
  | { readonly is: 'connect'; readonly port: MessagePort }
  | { readonly is: 'reopen-log' }
  | { readonly is: 'stop' }

export type FromStorageThread =
  | { readonly is: 'ready'; readonly newestId: Id; readonly recovered: number; readonly removed: number }
  | { readonly is: 'stopped' }

type AskedOf<Name extends OperationName> = { readonly name: Name; readonly input: Operations[Name]['in'] }

export type Asked = { [Name in OperationName]: AskedOf<Name> }[OperationName]

/** A batch of numbered operations. */
export type ToStorage = readonly (readonly [number, Asked])[]

export interface FromStorage {
  readonly answers: readonly (readonly [number, StorageResult<Operations[OperationName]['out']>])[]
  /** What happened before the answers. */
  readonly notices: readonly Notice[]
}
