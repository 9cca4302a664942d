import type { DatabaseSync } from 'node:sqlite'
import type { SpecialUse } from '../mail-operations.ts'

/** RFC 6154: the mailboxes that every account has from the beginning, with their special use. */
export const FIRST_MAILBOXES: readonly (readonly [name: string, use: SpecialUse | ''])[] = [
  ['INBOX', ''],
  ['Archive', '\\Archive'],
  ['Drafts', '\\Drafts'],
  ['Junk', '\\Junk'],
  ['Sent', '\\Sent'],
  ['Trash', '\\Trash'],
]

function specialValues(): string {
  return `VALUES ${FIRST_MAILBOXES.map(([name, use]) => `('${name}', '${use}')`).join(', ')}`
}

/**
 * Times are ms since 1970, texts UTF-8. A message is stored once, with its envelope, and stays as long as an entry of the queue or a mail
 * of a mailbox refers to it; nothing counts the references, so nothing can be counted wrong. What else is counted (mails and bytes of a
 * mailbox, an account, a domain) changes in the transaction that changes the mail, and `check.ts` counts again.
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
  `
  -- Usage, and limits: NULL is none. A limit of a domain is for all its accounts together, each_… for every one that has no limit of its own.
  ALTER TABLE domain ADD COLUMN mails INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE domain ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE domain ADD COLUMN max_mails INTEGER;
  ALTER TABLE domain ADD COLUMN max_bytes INTEGER;
  ALTER TABLE domain ADD COLUMN each_mails INTEGER;
  ALTER TABLE domain ADD COLUMN each_bytes INTEGER;
  ALTER TABLE account ADD COLUMN domain TEXT NOT NULL DEFAULT '';
  ALTER TABLE account ADD COLUMN mails INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE account ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE account ADD COLUMN max_mails INTEGER;
  ALTER TABLE account ADD COLUMN max_bytes INTEGER;

  ALTER TABLE mailbox ADD COLUMN modseq INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE mailbox ADD COLUMN mails INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE mailbox ADD COLUMN unseen INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE mailbox ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE mailbox ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE mailbox ADD COLUMN recent_from INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE mailbox ADD COLUMN special_use TEXT NOT NULL DEFAULT ''; -- attributes with blanks between
  ALTER TABLE mailbox ADD COLUMN vanished INTEGER NOT NULL DEFAULT 0;  -- rows of the table
  ALTER TABLE mailbox ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;      -- what vanished up to this MODSEQ is not known any more
  ALTER TABLE mailbox ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;   -- blocks from the first that the search index has, or that have no mail
  CREATE INDEX mailbox_unindexed ON mailbox (id) WHERE uid_next >= (indexed + 1) * 1024;

  ALTER TABLE mail RENAME TO mail_1;
  CREATE TABLE mail (
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL,      -- the bits of mail/flags.ts
    modseq INTEGER NOT NULL,
    message INTEGER NOT NULL,
    at INTEGER NOT NULL,         -- INTERNALDATE
    saved INTEGER NOT NULL,
    size INTEGER NOT NULL,       -- bytes, with head
    sent INTEGER,                -- of the Date field, where there is a description
    changed INTEGER NOT NULL DEFAULT 0, -- 1: its MODSEQ is of a change of flags, not of its arrival
    head TEXT NOT NULL,          -- Return-Path and Delivered-To of this copy; stands before the message
    PRIMARY KEY (mailbox, uid)
  ) WITHOUT ROWID;
  INSERT INTO mail (mailbox, uid, flags, modseq, message, at, saved, size, sent, head)
    SELECT mailbox, uid, 0, 1, message, mail_1.at, mail_1.at,
      coalesce((SELECT size FROM message WHERE id = message), 0) + octet_length(head), NULL, head
    FROM mail_1;
  DROP TABLE mail_1;
  CREATE INDEX mail_message ON mail (message);
  -- What arrives is found by its UID and costs nothing here.
  CREATE INDEX mail_changed ON mail (mailbox, modseq, flags) WHERE changed = 1;

  CREATE TABLE keyword (
    mailbox INTEGER NOT NULL,
    place INTEGER NOT NULL,      -- of its bit
    name TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (mailbox, place)
  ) WITHOUT ROWID;
  CREATE TABLE vanished (
    mailbox INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    first INTEGER NOT NULL,      -- UIDs, all of which were there
    last INTEGER NOT NULL,
    PRIMARY KEY (mailbox, modseq, first)
  ) WITHOUT ROWID;
  CREATE TABLE subscription (account INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, name)) WITHOUT ROWID;
  CREATE TABLE metadata (
    mailbox INTEGER NOT NULL,    -- 0: the server
    account INTEGER NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    value BLOB NOT NULL,
    PRIMARY KEY (mailbox, account, name)
  ) WITHOUT ROWID;
  CREATE INDEX metadata_account ON metadata (account);
  CREATE TABLE acl (
    mailbox INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    rights TEXT NOT NULL,
    PRIMARY KEY (mailbox, identifier)
  ) WITHOUT ROWID;
  CREATE INDEX acl_identifier ON acl (identifier);

  CREATE TABLE description (
    message INTEGER PRIMARY KEY,
    sent INTEGER,
    header INTEGER NOT NULL,
    signature BLOB,
    envelope BLOB NOT NULL,
    body BLOB NOT NULL,
    structure BLOB NOT NULL,
    part TEXT NOT NULL,          -- JSON: see descriptions.ts
    sort TEXT NOT NULL,
    preview TEXT NOT NULL
  );
  CREATE TABLE undescribed (message INTEGER PRIMARY KEY); -- in a mailbox, and without a description
  CREATE TABLE unreferenced (message INTEGER PRIMARY KEY); -- lost mails in a large change: to be looked at, and to go if nothing refers to it
  CREATE TABLE search_block (
    id INTEGER PRIMARY KEY,
    mailbox INTEGER NOT NULL,
    block INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    UNIQUE (mailbox, block)
  );
  CREATE TABLE search_row (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL); -- 4096 * block's id + number of the row

  UPDATE account SET domain = substr(address, length(rtrim(address, replace(address, '@', ''))) + 1);
  -- Mailboxes of accounts that were removed: account 0 is nobody, and they are swept away.
  UPDATE mailbox SET account = 0, name = id WHERE account NOT IN (SELECT id FROM account);
  INSERT INTO counter SELECT 'uid validity', coalesce(max(uid_validity), 0) FROM mailbox;
  INSERT INTO mailbox (account, name, uid_validity, uid_next, special_use)
    SELECT account.id, kind.column1, (SELECT value FROM counter WHERE name = 'uid validity') + row_number() OVER (), 1, kind.column2
    FROM account, (${specialValues()}) AS kind
    WHERE NOT EXISTS (SELECT 1 FROM mailbox WHERE account = account.id AND name = kind.column1);
  UPDATE counter SET value = (SELECT coalesce(max(uid_validity), 0) FROM mailbox) WHERE name = 'uid validity';
  INSERT INTO subscription SELECT account, name FROM mailbox WHERE account > 0;
  INSERT INTO undescribed SELECT DISTINCT message FROM mail WHERE EXISTS (SELECT 1 FROM message WHERE id = message);
  UPDATE mailbox SET (mails, unseen, bytes) =
    (SELECT count(*), count(*), coalesce(sum(size), 0) FROM mail WHERE mailbox = mailbox.id);
  UPDATE account SET (mails, bytes) =
    (SELECT coalesce(sum(mails), 0), coalesce(sum(bytes), 0) FROM mailbox WHERE account = account.id);
  UPDATE domain SET (mails, bytes) =
    (SELECT coalesce(sum(mails), 0), coalesce(sum(bytes), 0) FROM account WHERE domain = domain.name);
  `,
  `
  -- What an import has put into a mailbox, also when it is not there any more: the next run of it leaves that out (docs/decisions/050).
  CREATE TABLE imported (
    mailbox INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    PRIMARY KEY (mailbox, fingerprint)
  ) WITHOUT ROWID;
  `,
  `
  -- Columns of the mails of a full block of UIDs, as they were at a MODSEQ; 0: not packed yet. A copy of what the rows say, for reading them all.
  CREATE TABLE packed (
    mailbox INTEGER NOT NULL,
    block INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    bytes BLOB NOT NULL,         -- see packing.ts
    PRIMARY KEY (mailbox, block)
  );
  ALTER TABLE mailbox ADD COLUMN unpacked INTEGER NOT NULL DEFAULT 0; -- mails that changed or vanished since repack was set last
  ALTER TABLE mailbox ADD COLUMN repack INTEGER NOT NULL DEFAULT 0;   -- what was packed before this MODSEQ is to be packed anew
  CREATE INDEX mailbox_repack ON mailbox (id) WHERE repack > 0;

  INSERT INTO packed SELECT DISTINCT mailbox, uid / 1024, 0, x'' FROM mail JOIN mailbox ON mailbox.id = mailbox
    WHERE account > 0 AND uid / 1024 < uid_next / 1024;
  UPDATE mailbox SET repack = modseq WHERE id IN (SELECT mailbox FROM packed);
  `,
]

/** Written by this version of the program, or a newer one. */
export function isCurrent(database: DatabaseSync): boolean {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']) >= VERSIONS.length
}

/** Makes or brings up to date (`to` an older version: for tests); throws when the data are of a newer version than the program. */
export function migrate(database: DatabaseSync, to = VERSIONS.length): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > VERSIONS.length) {
    throw new Error(
      `the data were written by a newer version (${version}); this one knows ${VERSIONS.length}. Start the newer program.`,
    )
  }
  for (let next = version; next < to; next++) {
    database.exec(`BEGIN; ${VERSIONS[next]} PRAGMA user_version = ${next + 1}; COMMIT`)
  }
}
