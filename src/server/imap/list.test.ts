import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import fc from 'fast-check'
import type { List, ListReturn } from '../../imap/command.ts'
import type { MailboxRow, MailReader } from '../../storage/mail-reader.ts'
import type { SpecialUse } from '../../storage/mail-operations.ts'
import { create } from './create.ts'
import { deleteMailbox } from './delete.ts'
import { FakeSession, openFakeMail } from './fake-session.ts'
import { list } from './list.ts'
import { subscribe } from './subscribe.ts'

const ANNA = 'anna@example.org'
const mail = await openFakeMail([ANNA])
const session = mail.session(ANNA)
after(() => mail.close())

const NO_RETURN: ListReturn = {
  subscribed: false,
  children: false,
  specialUse: false,
  status: [],
  myRights: false,
  metadata: [],
}

function listing(over: Partial<Omit<List, 'returns'>> & { readonly returns?: Partial<ListReturn> }): List {
  return {
    name: 'LIST',
    extended: over.extended ?? (over.select !== undefined || over.returns !== undefined),
    select: [],
    reference: '',
    patterns: ['*'],
    ...over,
    returns: { ...NO_RETURN, ...over.returns },
  }
}

/** The responses, without `* LIST` and the separator. */
async function ask(over: Parameters<typeof listing>[0], by = session): Promise<string[]> {
  const lines = await by.run(list, listing(over))
  assert.equal(lines.pop(), 'OK Done')
  return lines.map(line => line.replace(/^\* LIST \((.*?)\) "\/" /, '($1) '))
}

suite('RFC 5258 §5, RFC 9051 §6.3.9.8', async () => {
  for (const { name } of mail.reader.mailboxes(session.account?.id ?? 0)) {
    await session.run(deleteMailbox, { mailbox: name })
    await session.run(subscribe, { name: 'UNSUBSCRIBE', mailbox: name })
  }
  for (const mailbox of [
    'Fruit/Apple',
    'Fruit/Banana',
    'Fruit/Peach',
    'Tofu',
    'Vegetable/Broccoli',
    'Vegetable/Corn',
  ]) {
    await session.run(create, { mailbox, specialUse: [] })
  }
  for (const mailbox of ['INBOX', 'Fruit/Banana', 'Fruit/Peach', 'Vegetable', 'Vegetable/Broccoli']) {
    await session.run(subscribe, { name: 'SUBSCRIBE', mailbox })
  }
  await session.run(deleteMailbox, { mailbox: 'Fruit/Peach' })

  test('example 1: the complete hierarchy', async () => {
    assert.deepEqual(await ask({}), [
      '(\\HasChildren) Fruit',
      '(\\HasNoChildren) Fruit/Apple',
      '(\\HasNoChildren) Fruit/Banana',
      '(\\HasNoChildren) INBOX',
      '(\\HasNoChildren) Tofu',
      '(\\HasChildren) Vegetable',
      '(\\HasNoChildren) Vegetable/Broccoli',
      '(\\HasNoChildren) Vegetable/Corn',
    ])
  })

  test('example 2: what is subscribed', async () => {
    assert.deepEqual(await ask({ select: ['SUBSCRIBED'] }), [
      '(\\HasNoChildren \\Subscribed) Fruit/Banana',
      '(\\NonExistent \\Noselect \\HasNoChildren \\Subscribed) Fruit/Peach',
      '(\\HasNoChildren \\Subscribed) INBOX',
      '(\\HasChildren \\Subscribed) Vegetable',
      '(\\HasNoChildren \\Subscribed) Vegetable/Broccoli',
    ])
  })

  test('example 3: children', async () => {
    assert.deepEqual(await ask({ patterns: ['%'], returns: { children: true } }), [
      '(\\HasChildren) Fruit',
      '(\\HasNoChildren) INBOX',
      '(\\HasNoChildren) Tofu',
      '(\\HasChildren) Vegetable',
    ])
  })

  test('example 6: all, with what is subscribed of them', async () => {
    assert.deepEqual(await ask({ patterns: ['%'], select: ['REMOTE'], returns: { subscribed: true } }), [
      '(\\HasChildren) Fruit',
      '(\\HasNoChildren \\Subscribed) INBOX',
      '(\\HasNoChildren) Tofu',
      '(\\HasChildren \\Subscribed) Vegetable',
    ])
  })

  test('example 7: several patterns, each name once', async () => {
    assert.deepEqual(await ask({ extended: true, patterns: ['inbox', 'Tofu', 'Vegetable/%', 'T%'] }), [
      '(\\HasNoChildren) INBOX',
      '(\\HasNoChildren) Tofu',
      '(\\HasNoChildren) Vegetable/Broccoli',
      '(\\HasNoChildren) Vegetable/Corn',
    ])
  })

  test('examples 8 and 9: parents of what is subscribed', async () => {
    assert.deepEqual(await ask({ select: ['SUBSCRIBED', 'RECURSIVEMATCH'], patterns: ['%'] }), [
      '(\\HasChildren) Fruit ("CHILDINFO" ("SUBSCRIBED"))',
      '(\\HasNoChildren \\Subscribed) INBOX',
      '(\\HasChildren \\Subscribed) Vegetable ("CHILDINFO" ("SUBSCRIBED"))',
    ])
    assert.deepEqual(await ask({ select: ['SUBSCRIBED', 'RECURSIVEMATCH'], patterns: ['*'] }), [
      '(\\HasNoChildren \\Subscribed) Fruit/Banana',
      '(\\NonExistent \\Noselect \\HasNoChildren \\Subscribed) Fruit/Peach',
      '(\\HasNoChildren \\Subscribed) INBOX',
      '(\\HasChildren \\Subscribed) Vegetable ("CHILDINFO" ("SUBSCRIBED"))',
      '(\\HasNoChildren \\Subscribed) Vegetable/Broccoli',
    ])
  })

  test('a parent is shown for the sake of one that is not, whatever else is shown', async () => {
    assert.deepEqual(await ask({ select: ['SUBSCRIBED', 'RECURSIVEMATCH'], patterns: ['Fruit', 'Fruit/Peach'] }), [
      '(\\HasChildren) Fruit ("CHILDINFO" ("SUBSCRIBED"))',
      '(\\NonExistent \\Noselect \\HasNoChildren \\Subscribed) Fruit/Peach',
    ])
  })

  test('the separator, and the root of a reference', async () => {
    assert.deepEqual(await ask({ patterns: [''] }), ['(\\Noselect) ""'])
    assert.deepEqual(await ask({ patterns: [''], reference: 'user/bob@example.org' }), ['(\\Noselect) user/'])
    assert.deepEqual(await ask({ patterns: [''], extended: true }), [])
  })

  test('the reference stands before each pattern', async () => {
    assert.deepEqual(await ask({ reference: 'Vegetable/', patterns: ['C*'] }), ['(\\HasNoChildren) Vegetable/Corn'])
  })

  test('LIST-STATUS, MYRIGHTS and METADATA come behind', async () => {
    const returns = { status: ['MESSAGES', 'UNSEEN'], myRights: true, metadata: ['/shared/comment'] } as const
    assert.deepEqual(await ask({ patterns: ['Tofu'], returns }), [
      '(\\HasNoChildren) Tofu',
      '* STATUS Tofu (MESSAGES 0 UNSEEN 0)',
      '* MYRIGHTS Tofu lrswipkxteacd',
      '* METADATA Tofu (/shared/comment NIL)',
    ])
  })

  test('LIST-STATUS says nothing of what is not there (RFC 5819 §2)', async () => {
    const returns = { status: ['MESSAGES'] } as const
    assert.deepEqual(await ask({ select: ['SUBSCRIBED'], patterns: ['Fruit/P*'], returns }), [
      '(\\NonExistent \\Noselect \\HasNoChildren \\Subscribed) Fruit/Peach',
    ])
  })

  test('what makes no sense, and what is too much', async () => {
    assert.equal((await session.run(list, listing({ select: ['RECURSIVEMATCH'] })))[0]?.slice(0, 3), 'BAD')
    assert.deepEqual(await session.run(list, listing({ patterns: ['*a'.repeat(1000)] })), ['NO [LIMIT]'])
    assert.deepEqual(await session.run(list, listing({ extended: true, patterns: Array(101).fill('*') })), [
      'NO [LIMIT]',
    ])
  })
})

interface World {
  readonly mailboxes: readonly string[]
  readonly subscriptions: readonly string[]
  readonly uses: readonly SpecialUse[]
}

/** A session that sees these names only. The n-th use is that of the n-th mailbox. */
function seeing({ mailboxes, subscriptions, uses }: World): FakeSession {
  const rows = [...new Set(mailboxes)].map((name, i): MailboxRow => {
    const use = uses[i]
    return { ...ROW, id: i + 1, account: session.account?.id ?? 0, owner: ANNA, name, specialUse: use ? [use] : [] }
  })
  const reader: MailReader = {
    ...mail.reader,
    mailboxes: () => rows,
    shared: () => [],
    subscriptions: () => [...new Set(subscriptions)],
  }
  return new FakeSession({ ...session.services, reader }, session.account)
}

const ROW: Omit<MailboxRow, 'id' | 'account' | 'owner' | 'name' | 'specialUse'> = {
  uidValidity: 1,
  uidNext: 1,
  modseq: 1,
  exists: 0,
  unseen: 0,
  deleted: 0,
  size: 0,
  recentFrom: 1,
}

/** RFC 5258 §3, word for word and slowly. */
function naive({ mailboxes, subscriptions, uses }: World, { patterns, select }: List): string[] {
  const exists = new Set(mailboxes)
  const used = new Set([...exists].filter((_, i) => uses[i] !== undefined))
  const all = [...exists, ...subscriptions]
  const levels = all.flatMap(name => name.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/')))
  const below = (name: string): string[] => all.filter(other => other.startsWith(`${name}/`))
  const criteria = select.includes('SUBSCRIBED') || select.includes('SPECIAL-USE')
  const chosen = (name: string): boolean => {
    if (!criteria) return exists.has(name)
    if (select.includes('SUBSCRIBED') && !subscriptions.includes(name)) return false
    return !select.includes('SPECIAL-USE') || used.has(name)
  }
  const fits = (name: string): boolean => patterns.some(pattern => regexp(pattern).test(name))
  return [...new Set(levels)].filter(fits).flatMap(name => {
    const children = select.includes('RECURSIVEMATCH') ? below(name).filter(chosen) : []
    const info = children.length > 0 ? ' CHILDINFO' : ''
    if (chosen(name)) return [name + info]
    if (children.some(child => !fits(child))) return [name + info]
    return !criteria && below(name).some(other => exists.has(other)) ? [name] : []
  })
}

const regexp = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('%', '[^/]*')}$`, 'u')

suite('LIST against a naive model', () => {
  const level = fc.constantFrom('a', 'b', 'ab', 'b a')
  const name = fc.array(level, { minLength: 1, maxLength: 4 }).map(levels => levels.join('/'))
  const world = fc.record({
    mailboxes: fc.array(name, { maxLength: 12 }),
    subscriptions: fc.array(name, { maxLength: 6 }),
    uses: fc.array(fc.constantFrom<SpecialUse>('\\Sent', '\\Junk'), { maxLength: 4 }),
  })
  const pattern = fc.array(fc.constantFrom('a', 'b', '/', '*', '%', ' '), { maxLength: 6 }).map(parts => parts.join(''))
  const command = fc.record({
    patterns: fc.array(pattern, { minLength: 1, maxLength: 3 }),
    select: fc.constantFrom<List['select']>(
      [],
      ['REMOTE'],
      ['SUBSCRIBED'],
      ['SPECIAL-USE'],
      ['SUBSCRIBED', 'SPECIAL-USE'],
      ['SUBSCRIBED', 'RECURSIVEMATCH'],
      ['SPECIAL-USE', 'RECURSIVEMATCH'],
    ),
  })

  test('the same names, with and without CHILDINFO', async () => {
    await fc.assert(
      fc.asyncProperty(world, command, async (given, { patterns, select }) => {
        const lines = await ask({ extended: true, patterns, select }, seeing(given))
        const names = lines.map(line =>
          line
            .replace(/^\(.*?\) /, '')
            .replace(/ \("CHILDINFO".*/, ' CHILDINFO')
            .replaceAll('"', ''),
        )
        assert.deepEqual(names.sort(), naive(given, listing({ patterns, select })).sort())
      }),
      { numRuns: 500 },
    )
  })

  test('attributes say what there is', async () => {
    await fc.assert(
      fc.asyncProperty(world, async given => {
        for (const line of await ask({ select: ['SUBSCRIBED'], patterns: ['*'] }, seeing(given))) {
          const [, attributes = '', quoted = ''] = /^\((.*?)\) (.*)$/.exec(line) ?? []
          const shown = quoted.replaceAll('"', '')
          const children = given.mailboxes.some(other => other.startsWith(`${shown}/`))
          assert.equal(attributes.includes('\\HasChildren'), children)
          assert.equal(attributes.includes('\\HasNoChildren'), !children)
          assert.equal(attributes.includes('\\NonExistent'), !given.mailboxes.includes(shown))
          assert.ok(attributes.includes('\\Subscribed'))
        }
      }),
    )
  })

  test('levels without a mailbox are shown above mailboxes', async () => {
    const given = { mailboxes: ['a/b/c'], subscriptions: [], uses: [] }
    assert.deepEqual(await ask({ patterns: ['%'] }, seeing(given)), ['(\\NonExistent \\Noselect \\HasChildren) a'])
  })

  test('ten thousand mailboxes and a pattern of wildcards', async () => {
    const mailboxes = Array.from({ length: 10_000 }, (_, i) => `${'aaaaaaaaaa/'.repeat(5)}${i}`)
    const by = seeing({ mailboxes, subscriptions: [], uses: [] })
    assert.deepEqual(await ask({ patterns: [`${'*%a'.repeat(40)}x`] }, by), [])
    assert.equal((await ask({ patterns: ['*%*%*%*/1%'] }, by)).length, 1111)
  })
})
