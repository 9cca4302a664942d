/** Each command, and what carries it out. */
import type { Command, CommandName } from '../../imap/command.ts'
import { deleteAcl, getAcl, listRights, myRights, setAcl } from './acl.ts'
import { append } from './append.ts'
import { capability } from './capability.ts'
import { copy } from './copy.ts'
import { create } from './create.ts'
import { deleteMailbox } from './delete.ts'
import { enable } from './enable.ts'
import { expunge, uidExpunge } from './expunge.ts'
import { fetch } from './fetch.ts'
import { id } from './id.ts'
import { idle } from './idle.ts'
import { list } from './list.ts'
import { authenticate, login, unauthenticate } from './login.ts'
import { lsub } from './lsub.ts'
import { getMetadata, setMetadata } from './metadata.ts'
import { namespace } from './namespace.ts'
import { compress, logout, noop, starttls } from './noop.ts'
import { notify } from './notify.ts'
import { getQuota, getQuotaRoot, setQuota } from './quota.ts'
import { rename } from './rename.ts'
import { search } from './search.ts'
import { close, select, unselect } from './select.ts'
import type { Executor, ImapSession, Tagged } from './session.ts'
import { sort } from './sort.ts'
import { status } from './status.ts'
import { store } from './store.ts'
import { subscribe } from './subscribe.ts'
import { thread } from './thread.ts'

const EXECUTORS: { readonly [Name in CommandName]: Executor<Name> } = {
  CAPABILITY: capability,
  NOOP: noop,
  LOGOUT: logout,
  ID: id,
  STARTTLS: starttls,
  AUTHENTICATE: authenticate,
  LOGIN: login,
  ENABLE: enable,
  COMPRESS: compress,
  UNAUTHENTICATE: unauthenticate,
  SELECT: select,
  EXAMINE: select,
  CREATE: create,
  DELETE: deleteMailbox,
  RENAME: rename,
  SUBSCRIBE: subscribe,
  UNSUBSCRIBE: subscribe,
  LIST: list,
  LSUB: lsub,
  NAMESPACE: namespace,
  STATUS: status,
  APPEND: append,
  REPLACE: append,
  IDLE: idle,
  CHECK: noop,
  CLOSE: close,
  UNSELECT: unselect,
  EXPUNGE: expunge,
  'UID EXPUNGE': uidExpunge,
  SEARCH: search,
  SORT: sort,
  THREAD: thread,
  FETCH: fetch,
  STORE: store,
  COPY: copy,
  MOVE: copy,
  GETQUOTA: getQuota,
  GETQUOTAROOT: getQuotaRoot,
  SETQUOTA: setQuota,
  GETACL: getAcl,
  SETACL: setAcl,
  DELETEACL: deleteAcl,
  LISTRIGHTS: listRights,
  MYRIGHTS: myRights,
  GETMETADATA: getMetadata,
  SETMETADATA: setMetadata,
  NOTIFY: notify,
}

export function execute(command: Command, session: ImapSession): Tagged | Promise<Tagged> {
  // The pair (name, command) is typed by the table; TypeScript can't see through the union.
  const executor = EXECUTORS[command.name] as (command: Command, session: ImapSession) => Tagged | Promise<Tagged>
  return executor(command, session)
}
