/**
 * Mail clients in a window, as people use them: the account is opened, a message with umlauts and an attachment is shown, a reply is written
 * and sent. It arrives, its copy is in Sent, the message is \Seen and \Answered, and the server has refused nothing on the way. With
 * STAFFETTA_PICTURES=FOLDER what was on the screen, and what was said, is kept there.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { CLAWS, openClaws } from './claws.ts'
import type { OpenMailWindow } from './mail-window.ts'
import { addressOf, contents, letter, look, type MailboxServer, startMailboxServer, withImap } from './mailboxes.ts'
import { findProgram, makeCertificate, needs, until } from './program.ts'
import { type Recorder, startRecorder } from './recorder.ts'
import { openScreen, type Screen, SCREEN_PROGRAMS } from './screen.ts'
import { PASSWORD } from './staffetta.ts'
import { openThunderbird, THUNDERBIRD } from './thunderbird.ts'

const SUBJECT = 'Grüße aus Köln'
const REPLY = 'Thank you, it was nice there.'

const needed = needs([CLAWS, ...SCREEN_PROGRAMS, 'openssl'])
/** Hundreds of megabytes, so only where somebody has it. */
const withoutThunderbird =
  findProgram(THUNDERBIRD) === undefined && 'thunderbird is not on this machine (apt-get install thunderbird)'

test('the foreign programs are here', { skip: needed.excuse }, () => assert.deepEqual(needed.missing, []))

suite('in a window', { skip: needed.skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'window-'))
  const pictures = resolve(process.env['STAFFETTA_PICTURES'] ?? join(folder, 'pictures'))
  let server: MailboxServer
  let imap: Recorder
  let smtp: Recorder
  let screen: Screen

  before(async () => {
    screen = await openScreen(pictures)
  })

  after(async () => {
    await screen?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const [name, open, skip] of [
    [CLAWS, openClaws, false],
    [THUNDERBIRD, openThunderbird, withoutThunderbird],
  ] as const) {
    suite(name, { skip }, () => {
      before(async () => {
        mkdirSync(join(folder, name))
        const certificate = await makeCertificate(join(folder, name), 'localhost')
        server = await startMailboxServer(['anna', 'bruno'])
        imap = await startRecorder(server.imaps, certificate)
        smtp = await startRecorder(server.ports.submissions, certificate)
      })

      after(async () => {
        await imap?.stop()
        await smtp?.stop()
        await server?.stop()
      })

      test('reads a message and answers it', async t => {
        const uid = await fillInbox()
        await readAndAnswer(name, open, uid)
        await check(uid)
        report(t)
      })
    })
  }

  /** Three that were read, and the UID of one that was not. */
  async function fillInbox(): Promise<number> {
    return await withImap(server, 'anna', async client => {
      for (const subject of ['first', 'second', 'third']) await client.append('INBOX', letter(subject), ['\\Seen'])
      const appended = await client.append('INBOX', greeting())
      assert.ok(appended && appended.uid !== undefined)
      return appended.uid
    })
  }

  async function readAndAnswer(name: string, open: OpenMailWindow, uid: number): Promise<void> {
    const home = join(folder, name, 'home')
    mkdirSync(home)
    const certificate = { cert: join(folder, name, 'cert.pem'), key: join(folder, name, 'key.pem') }
    const ports = { imap: imap.port, submission: smtp.port }
    const account = { address: addressOf('anna'), name: 'Anna', password: PASSWORD, certificate, ...ports }
    const window = await open(screen, account, home)
    const photograph = (stage: string) => screen.picture(`${name}-${stage}`)
    try {
      await window.open()
      await photograph('1-account')
      await window.show(uid)
      await hasFlag(uid, '\\Seen')
      await photograph('2-message')
      await window.reply(REPLY)
      await photograph('3-reply')
      await window.send()
      await hasFlag(uid, '\\Answered')
      await photograph('4-sent')
      await window.quit()
    } catch (error) {
      await screen.picture(`${name}-failed`)
      const said = [...imap.lines(), ...smtp.lines()].slice(-40).join('\n')
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}\n${said}`, { cause: error })
    } finally {
      await window.stop()
      for (const [protocol, recorder] of [
        ['imap', imap],
        ['smtp', smtp],
      ] as const)
        writeFileSync(join(pictures, `${name}-${protocol}.txt`), `${recorder.lines().join('\n')}\n`)
    }
  }

  const hasFlag = (uid: number, flag: string) =>
    until(`${flag} on ${uid}`, async () => {
      const mail = (await look(server, 'anna'))?.find(each => each.uid === uid)
      return mail?.flags.includes(flag) || undefined
    })

  async function check(uid: number): Promise<void> {
    const arrived = await until('the reply in the INBOX of Bruno', async () => {
      const [message] = await contents(server, 'bruno')
      return message
    })
    assert.match(arrived.toString(), /^> Sch(?:ö|=C3=B6)ne Gr/m)
    assert.match(arrived.toString(), /^In-Reply-To: <koeln@client\.test>\r$/m)
    assert.ok(arrived.includes(REPLY))
    const bruno = await look(server, 'bruno')
    assert.deepEqual(
      bruno?.map(({ subject }) => subject),
      [`Re: ${SUBJECT}`],
    )

    const [copy, ...others] = await contents(server, 'anna', 'Sent')
    assert.ok(copy)
    assert.equal(others.length, 0)
    assert.ok(copy.includes(REPLY))
    assert.equal(messageIdOf(copy), messageIdOf(arrived))

    const inbox = await look(server, 'anna')
    assert.deepEqual(
      inbox?.map(({ subject }) => subject),
      ['first', 'second', 'third', SUBJECT],
    )
    const flags = inbox?.find(mail => mail.uid === uid)?.flags.filter(flag => flag.startsWith('\\'))
    assert.deepEqual(flags, ['\\Answered', '\\Seen'])
  }

  /** RFC 9051 §7.1: NO and BAD, tagged or not; RFC 5321 §4.2.1: 4yz and 5yz. */
  function report(t: TestContext): void {
    assert.deepEqual(
      imap.lines().filter(line => /^S: \S+ (?:NO|BAD)\b/.test(line)),
      [],
    )
    assert.deepEqual(
      smtp.lines().filter(line => /^S: [45]\d\d[ -]/.test(line)),
      [],
    )
    t.diagnostic(`IMAP commands: ${commandsIn(imap.lines()).join(', ')}`)
  }
})

/** Each once, in the order in which they came first. */
function commandsIn(lines: readonly string[]): string[] {
  const tagged = lines.flatMap(line => /^C: [A-Za-z]*\d+ ((?:UID )?[A-Za-z]+)/i.exec(line)?.[1]?.toUpperCase() ?? [])
  return [...new Set(tagged)]
}

const messageIdOf = (bytes: Buffer): string | undefined => /^Message-ID: .*$/im.exec(bytes.toString('latin1'))?.[0]

/** Text in quoted-printable, and an attachment whose name has an umlaut. */
function greeting(): Buffer {
  const header = [
    'From: =?utf-8?Q?J=C3=BCrgen_M=C3=BCller?= <bruno@staffetta.test>',
    'To: Anna <anna@staffetta.test>',
    'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=',
    'Date: Tue, 24 Nov 2026 12:30:00 +0100',
    'Message-ID: <koeln@client.test>',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="b"',
  ]
  const text = 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable'
  const attached = "Content-Type: image/svg+xml\r\nContent-Disposition: attachment; filename*=utf-8''K%C3%B6ln.svg"
  const parts = [
    `${text}\r\n\r\nSch=C3=B6ne Gr=C3=BC=C3=9Fe vom Dom, =E2=82=AC 5 der Aufstieg.\r\n`,
    `${attached}\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(picture()).toString('base64')}\r\n`,
  ]
  const body = parts.map(part => `--b\r\n${part}`).join('')
  return Buffer.from(`${header.join('\r\n')}\r\n\r\n${body}--b--\r\n`)
}

function picture(): string {
  const circle = '<circle cx="40" cy="40" r="30" fill="teal"/>'
  return `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80">${circle}</svg>`
}
