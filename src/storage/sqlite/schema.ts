import type { DatabaseSync } from 'node:sqlite'

/**
 * Times are ms since 1970, texts UTF-8. A message is stored once, with its envelope, and stays as long as an entry of the queue or an item
 * of a mailbox refers to it; nothing counts the references, so nothing can be counted wrong.
 */
const VERSIONS: readonly string[] = [
  `
  CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    sender TEXT NOT NULL,
    source TEXT NOT NULL,
    envelope TEXT NOT NULL,
    file INTEGER NOT NULL,       -- 1: bytes is only the stamped head, the rest is a file of the folder bodies
    bytes BLOB NOT NULL
  );
  CREATE TABLE entry (
    message INTEGER NOT NULL,
    n INTEGER NOT NULL,
    state TEXT NOT NULL,         -- leased, ready, waiting, held
    destination TEXT NOT NULL,
    source TEXT NOT NULL,
    recipient TEXT NOT NULL,
    dsn TEXT,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    notice INTEGER NOT NULL,
    wake INTEGER NOT NULL,       -- the first of due, notice and expires that matters in this state
    owner INTEGER NOT NULL,
    reply TEXT,
    "order" TEXT,
    PRIMARY KEY (message, n)
  ) WITHOUT ROWID;
  -- What is leased stands in neither index: the fast way in and out doesn't touch them.
  CREATE INDEX entry_wake ON entry (wake) WHERE state IN ('ready', 'waiting');
  CREATE INDEX entry_ready ON entry (destination, source, message, n) WHERE state = 'ready';

  CREATE TABLE timeline (
    subject INTEGER NOT NULL,    -- the id of a message or of a session
    seq INTEGER NOT NULL,
    events TEXT NOT NULL,        -- JSON, one a line
    PRIMARY KEY (subject, seq)
  ) WITHOUT ROWID;
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO counter VALUES ('timeline bytes', 0);

  CREATE TABLE domain (name TEXT PRIMARY KEY, catch_all TEXT, at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    at INTEGER NOT NULL
  );
  CREATE TABLE alias (address TEXT PRIMARY KEY, targets TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL,
    UNIQUE (account, name)
  );
  CREATE TABLE mail (
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message INTEGER NOT NULL,
    at INTEGER NOT NULL,
    head TEXT NOT NULL,          -- Return-Path and Delivered-To of this copy; stands before the message
    PRIMARY KEY (mailbox, uid)
  ) WITHOUT ROWID;
  CREATE INDEX mail_message ON mail (message);
  `,
]

/** Makes or brings up to date; throws when the data are of a newer version than the program. */
export function migrate(database: DatabaseSync): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > VERSIONS.length) {
    throw new Error(
      `the data were written by a newer version (${version}); this one knows ${VERSIONS.length}. Start the newer program.`,
    )
  }
  for (let next = version; next < VERSIONS.length; next++) {
    database.exec(`BEGIN; ${VERSIONS[next]} PRAGMA user_version = ${next + 1}; COMMIT`)
  }
}
