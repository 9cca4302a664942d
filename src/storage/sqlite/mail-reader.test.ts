import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeStorage } from './fake-mail.ts'

test('what is read at once is of one moment, whatever comes meanwhile', t => {
  const { mail, deliver } = fakeStorage(close => t.after(close))
  const inbox = mail.mailboxNamed(1, 'INBOX')?.id ?? 0
  const look = (): readonly (number | undefined)[] => [mail.mailbox(inbox)?.uidNext, mail.mails(inbox).uids.length]
  const seen = mail.atOnce(() => {
    const before = look()
    deliver(1, 10, '')
    assert.deepEqual(mail.changes(inbox, 1, 1).mails.uids.length, 0)
    return [before, mail.atOnce(look), look()]
  })
  assert.deepEqual(seen, [
    [1, 0],
    [1, 0],
    [1, 0],
  ])
  assert.deepEqual(look(), [2, 1])
  assert.throws(() =>
    mail.atOnce(() => {
      throw new Error('x')
    }),
  )
  deliver(1, 10, '')
  assert.deepEqual(look(), [3, 2])
})
