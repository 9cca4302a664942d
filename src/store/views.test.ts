import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChangedMailbox } from '../storage/operations.ts'
import type { ViewReader } from './view.ts'
import { openViews } from './views.ts'

const unread = (): never => {
  throw new Error('nothing is read')
}
const READER: ViewReader = { atOnce: unread, mailbox: unread, mails: unread, changes: unread, keywords: unread }

const change = (mailbox: number, account: number): ChangedMailbox => ({ mailbox, account, how: 'mail' })

test('who listens to a mailbox or an account hears of it, alone or with others, until it stops', () => {
  const views = openViews(READER)
  const heard: string[] = []
  const tell = (...changes: ChangedMailbox[]): string[] => {
    views.changed(changes)
    return heard.splice(0)
  }
  const first = views.listen({ mailbox: 1 }, () => heard.push('first'))
  assert.deepEqual(tell(change(1, 7), change(2, 7)), ['first'])
  const second = views.listen({ mailbox: 1 }, () => heard.push('second'))
  const third = views.listen({ mailbox: 1 }, () => heard.push('third'))
  const all = views.listen({ account: 7 }, ({ mailbox }) => heard.push(`all ${mailbox}`))
  assert.deepEqual(tell(change(1, 7)), ['first', 'second', 'third', 'all 1'])
  assert.deepEqual(tell(change(7, 1)), [], 'numbers of mailboxes and of accounts are two things')
  first()
  first()
  assert.deepEqual(tell(change(1, 7), change(2, 7)), ['second', 'third', 'all 1', 'all 2'])
  second()
  third()
  all()
  assert.deepEqual(tell(change(1, 7)), [])
  const again = views.listen({ mailbox: 1 }, () => heard.push('again'))
  first()
  assert.deepEqual(tell(change(1, 7)), ['again'], 'who stops twice stops nobody else')
  again()
})
