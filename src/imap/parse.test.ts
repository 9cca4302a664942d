import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from './command.ts'
import { messageLiteral } from './parse.ts'
import { said } from './said.ts'

const none = undefined
const noFlags = { system: 0, keywords: [] }
const nothing = { subscribed: false, children: false, specialUse: false, status: [], myRights: false, metadata: [] }
const list = { name: 'LIST', extended: false, select: [], reference: '', patterns: ['*'], returns: nothing } as const
const unmodified = { changedSince: none, vanished: false, partial: none }

/** What stands after the tag; with UTF-8 names where it starts with `utf8 `. */
const commands: readonly (readonly [text: string, command: Command])[] = [
  ['capability', { name: 'CAPABILITY' }],
  ['NOOP ', { name: 'NOOP' }],
  ['EXPUNGE', { name: 'EXPUNGE' }],
  ['IDLE', { name: 'IDLE' }],
  ['UNAUTHENTICATE', { name: 'UNAUTHENTICATE' }],
  ['ID NIL', { name: 'ID', fields: [] }],
  ['ID ()', { name: 'ID', fields: [] }],
  [
    'id ("name" "x" {7}\r\nversion NIL)',
    {
      name: 'ID',
      fields: [
        ['name', 'x'],
        ['version', none],
      ],
    },
  ],
  ['LOGIN joe "a b"', { name: 'LOGIN', user: Buffer.from('joe'), password: Buffer.from('a b') }],
  ['LOGIN {2+}\r\n\xc3\xa9 {2}\r\n"\r', { name: 'LOGIN', user: Buffer.from('é'), password: Buffer.from('"\r') }],
  ['LOGIN "a\\"\\\\" ""', { name: 'LOGIN', user: Buffer.from('a"\\'), password: Buffer.alloc(0) }],
  ['AUTHENTICATE plain', { name: 'AUTHENTICATE', mechanism: 'PLAIN', initial: none }],
  ['AUTHENTICATE SCRAM-SHA-256 =', { name: 'AUTHENTICATE', mechanism: 'SCRAM-SHA-256', initial: Buffer.alloc(0) }],
  ['AUTHENTICATE PLAIN AGEAYg==', { name: 'AUTHENTICATE', mechanism: 'PLAIN', initial: Buffer.from('\0a\0b') }],
  ['ENABLE condstore UTF8=ACCEPT', { name: 'ENABLE', capabilities: ['CONDSTORE', 'UTF8=ACCEPT'] }],
  ['COMPRESS deflate', { name: 'COMPRESS', mechanism: 'DEFLATE' }],
  ['SELECT inbox', { name: 'SELECT', mailbox: 'INBOX', condstore: false, qresync: none }],
  ['EXAMINE "Inbox/a b"', { name: 'EXAMINE', mailbox: 'INBOX/a b', condstore: false, qresync: none }],
  ['SELECT {6}\r\ninboxy', { name: 'SELECT', mailbox: 'inboxy', condstore: false, qresync: none }],
  ['SELECT Entw&APw-rfe (CONDSTORE)', { name: 'SELECT', mailbox: 'Entwürfe', condstore: true, qresync: none }],
  ['utf8 SELECT "Entw\xc3\xbcrfe&-"', { name: 'SELECT', mailbox: 'Entwürfe&-', condstore: false, qresync: none }],
  [
    'SELECT x (QRESYNC (67890007 20050715194045000 41,43:211 (1:2,5 9:10,20)))',
    {
      name: 'SELECT',
      mailbox: 'x',
      condstore: false,
      qresync: {
        uidValidity: 67890007,
        modseq: 20050715194045000,
        knownUids: [
          [41, 41],
          [43, 211],
        ],
        match: {
          seqs: [
            [1, 2],
            [5, 5],
          ],
          uids: [
            [9, 10],
            [20, 20],
          ],
        },
      },
    },
  ],
  [
    'SELECT x (QRESYNC (1 2 (1 1)) CONDSTORE)',
    {
      name: 'SELECT',
      mailbox: 'x',
      condstore: true,
      qresync: { uidValidity: 1, modseq: 2, knownUids: none, match: { seqs: [[1, 1]], uids: [[1, 1]] } },
    },
  ],
  ['CREATE a/b/', { name: 'CREATE', mailbox: 'a/b/', specialUse: [] }],
  ['CREATE a (USE (\\drafts \\X-y))', { name: 'CREATE', mailbox: 'a', specialUse: ['\\Drafts', '\\X-y'] }],
  ['DELETE "a]b"', { name: 'DELETE', mailbox: 'a]b' }],
  ['RENAME inbox a]b', { name: 'RENAME', from: 'INBOX', to: 'a]b' }],
  ['UNSUBSCRIBE x', { name: 'UNSUBSCRIBE', mailbox: 'x' }],
  ['LIST "" *', list],
  ['LIST {0}\r\n "*"', list],
  ['LIST a/ %]*', { ...list, reference: 'a/', patterns: ['%]*'] }],
  ['LIST "" ""', { ...list, patterns: [''] }],
  ['LIST () "" *', { ...list, extended: true }],
  ['LIST "" ("INBOX" a&APw-%)', { ...list, extended: true, patterns: ['INBOX', 'aü%'] }],
  [
    'LIST (SUBSCRIBED RECURSIVEMATCH SPECIAL-USE REMOTE) "" *',
    { ...list, extended: true, select: ['SUBSCRIBED', 'RECURSIVEMATCH', 'SPECIAL-USE', 'REMOTE'] },
  ],
  ['LIST "" * RETURN ()', { ...list, extended: true }],
  [
    'LIST "" * return (subscribed CHILDREN SPECIAL-USE MYRIGHTS STATUS (MESSAGES UNSEEN) METADATA (/shared/comment "/private/x"))',
    {
      ...list,
      extended: true,
      returns: {
        subscribed: true,
        children: true,
        specialUse: true,
        myRights: true,
        status: ['MESSAGES', 'UNSEEN'],
        metadata: ['/shared/comment', '/private/x'],
      },
    },
  ],
  ['LSUB "" a%', { name: 'LSUB', reference: '', pattern: 'a%' }],
  [
    'STATUS x (messages RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ MAILBOXID APPENDLIMIT DELETED-STORAGE SIZE)',
    {
      name: 'STATUS',
      mailbox: 'x',
      items: [
        'MESSAGES',
        'RECENT',
        'UIDNEXT',
        'UIDVALIDITY',
        'UNSEEN',
        'DELETED',
        'SIZE',
        'HIGHESTMODSEQ',
        'MAILBOXID',
        'APPENDLIMIT',
        'DELETED-STORAGE',
      ],
    },
  ],
  [
    'APPEND x {1}\r\ny',
    {
      name: 'APPEND',
      mailbox: 'x',
      replaces: none,
      messages: [{ flags: noFlags, date: none, literal: 0, kind: 'plain' }],
    },
  ],
  [
    'APPEND {1}\r\nx (\\seen $Junk \\Recent) "17-Jul-1996 02:44:25 -0700" ~{1}\r\ny () UTF8 (~{1+}\r\nz)',
    {
      name: 'APPEND',
      mailbox: 'x',
      replaces: none,
      messages: [
        { flags: { system: 1, keywords: ['$Junk'] }, date: 837596665000, literal: 1, kind: 'literal8' },
        { flags: noFlags, date: none, literal: 2, kind: 'utf8' },
      ],
    },
  ],
  [
    'UID REPLACE 7 x (\\Draft) {1}\r\ny',
    {
      name: 'REPLACE',
      mailbox: 'x',
      replaces: { uid: true, seq: 7 },
      messages: [{ flags: { system: 16, keywords: [] }, date: none, literal: 0, kind: 'plain' }],
    },
  ],
  [
    'REPLACE * x {1}\r\ny',
    {
      name: 'REPLACE',
      mailbox: 'x',
      replaces: { uid: false, seq: '*' },
      messages: [{ flags: noFlags, date: none, literal: 0, kind: 'plain' }],
    },
  ],
  ['UID EXPUNGE 1:3', { name: 'UID EXPUNGE', set: [[1, 3]] }],
  ['COPY 1:* x', { name: 'COPY', uid: false, set: [[1, '*']], mailbox: 'x' }],
  ['uid move $ x', { name: 'MOVE', uid: true, set: '$', mailbox: 'x' }],
  [
    'STORE 1 FLAGS ()',
    { name: 'STORE', uid: false, set: [[1, 1]], how: 'set', silent: false, flags: noFlags, unchangedSince: none },
  ],
  [
    'UID STORE 1 (UNCHANGEDSINCE 12) +flags.silent (\\DELETED \\answered a A b)',
    {
      name: 'STORE',
      uid: true,
      set: [[1, 1]],
      how: 'add',
      silent: true,
      flags: { system: 10, keywords: ['a', 'b'] },
      unchangedSince: 12,
    },
  ],
  [
    'STORE 1 -FLAGS \\Flagged a',
    {
      name: 'STORE',
      uid: false,
      set: [[1, 1]],
      how: 'remove',
      silent: false,
      flags: { system: 4, keywords: ['a'] },
      unchangedSince: none,
    },
  ],
  ['GETQUOTA ""', { name: 'GETQUOTA', root: '' }],
  ['GETQUOTAROOT inbox', { name: 'GETQUOTAROOT', mailbox: 'INBOX' }],
  [
    'SETQUOTA x (STORAGE 512 message 3)',
    {
      name: 'SETQUOTA',
      root: 'x',
      limits: [
        ['STORAGE', 512],
        ['MESSAGE', 3],
      ],
    },
  ],
  ['SETQUOTA "\xc3\xa9" ()', { name: 'SETQUOTA', root: 'é', limits: [] }],
  ['GETACL x', { name: 'GETACL', mailbox: 'x' }],
  ['MYRIGHTS x', { name: 'MYRIGHTS', mailbox: 'x' }],
  ['SETACL x anyone lrs', { name: 'SETACL', mailbox: 'x', identifier: 'anyone', how: 'set', rights: 'lrs' }],
  ['SETACL x "a@b" +ww', { name: 'SETACL', mailbox: 'x', identifier: 'a@b', how: 'add', rights: 'w' }],
  ['SETACL x -a@b ""', { name: 'SETACL', mailbox: 'x', identifier: '-a@b', how: 'set', rights: '' }],
  ['DELETEACL x a@b', { name: 'DELETEACL', mailbox: 'x', identifier: 'a@b' }],
  ['LISTRIGHTS x a@b', { name: 'LISTRIGHTS', mailbox: 'x', identifier: 'a@b' }],
  [
    'GETMETADATA "" /shared/Comment',
    { name: 'GETMETADATA', mailbox: '', maxSize: none, depth: 0, entries: ['/shared/comment'] },
  ],
  [
    'GETMETADATA (MAXSIZE 1024 DEPTH infinity) x (/shared/a /private/b/c)',
    { name: 'GETMETADATA', mailbox: 'x', maxSize: 1024, depth: 'infinity', entries: ['/shared/a', '/private/b/c'] },
  ],
  [
    'GETMETADATA x (DEPTH 1) (/shared/a)',
    { name: 'GETMETADATA', mailbox: 'x', maxSize: none, depth: 1, entries: ['/shared/a'] },
  ],
  [
    'SETMETADATA x (/private/a NIL /private/b "v" /private/c ~{1}\r\n\0)',
    {
      name: 'SETMETADATA',
      mailbox: 'x',
      entries: [
        { name: '/private/a', value: none },
        { name: '/private/b', value: Buffer.from('v') },
        { name: '/private/c', value: Buffer.from('\0') },
      ],
    },
  ],
  ['NOTIFY NONE', { name: 'NOTIFY', set: none }],
  [
    'NOTIFY SET STATUS (selected (MessageNew (uid flags) MessageExpunge)) (SUBTREE (a inbox) (messagenew MessageExpunge FlagChange MailboxName)) (personal NONE)',
    {
      name: 'NOTIFY',
      set: {
        status: true,
        groups: [
          {
            filter: { is: 'selected' },
            events: [{ is: 'MessageNew', fetch: [{ item: 'UID' }, { item: 'FLAGS' }] }, { is: 'MessageExpunge' }],
          },
          {
            filter: { is: 'subtree', names: ['a', 'INBOX'] },
            events: [
              { is: 'MessageNew', fetch: [] },
              { is: 'MessageExpunge' },
              { is: 'FlagChange' },
              { is: 'MailboxName' },
            ],
          },
          { filter: { is: 'personal' }, events: [] },
        ],
      },
    },
  ],
  [
    'FETCH 1 ALL',
    {
      name: 'FETCH',
      uid: false,
      set: [[1, 1]],
      items: [{ item: 'FLAGS' }, { item: 'INTERNALDATE' }, { item: 'RFC822.SIZE' }, { item: 'ENVELOPE' }],
      modifiers: unmodified,
    },
  ],
]

for (const [text, command] of commands) {
  test(`command: ${text}`, () => {
    const utf8 = text.startsWith('utf8 ')
    assert.deepEqual(said(`a1.b ${utf8 ? text.slice(5) : text}`, utf8), { is: 'command', tag: 'a1.b', command })
  })
}

test('ID keeps what a client may say', () => {
  const parsed = said(`a ID (${Array.from({ length: 31 }, (_, n) => `"f${n}" "${'v'.repeat(2000)}"`).join(' ')})`)
  assert.ok(parsed?.is === 'command' && parsed.command.name === 'ID')
  assert.equal(parsed.command.fields.length, 30)
  assert.deepEqual(parsed.command.fields[0], ['f0', 'v'.repeat(1024)])
})

const literals: readonly (readonly [before: string, message: boolean])[] = [
  ['a APPEND ', false],
  ['a APPEND x ', true],
  ['a append {5} ', true],
  ['a APPEND "x" (\\Seen) "17-Jul-1996 02:44:25 -0700" ', true],
  ['a APPEND x UTF8 (', true],
  ['a REPLACE 1 ', false],
  ['a REPLACE 1 x ', true],
  ['a UID REPLACE 1 {3} () ', true],
  ['a UID APPEND x ', false],
  ['a LOGIN x ', false],
  ['a SEARCH APPEND x ', false],
  ['APPEND x ', false],
  [`${'t'.repeat(200)} UID REPLACE 4294967295 x `, true],
]
for (const [before, message] of literals) {
  test(`a literal after ${before.slice(-60)}`, () => assert.equal(messageLiteral(Buffer.from(before)), message))
}
