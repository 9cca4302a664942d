import type { Enabled, Executor } from './session.ts'

const KNOWN = new Map<string, readonly Enabled[]>([
  ['CONDSTORE', ['CONDSTORE']],
  ['QRESYNC', ['QRESYNC', 'CONDSTORE']], // RFC 7162 §3.2.3
  ['UTF8=ACCEPT', ['UTF8=ACCEPT']],
  ['IMAP4REV2', ['IMAP4REV2']],
])

/** RFC 9051 §6.3.1: what we don't know is passed over; answered is what is on by this command. */
export const enable: Executor<'ENABLE'> = ({ capabilities }, session) => {
  const on: string[] = []
  for (const capability of capabilities) {
    const name = capability.toUpperCase()
    for (const what of KNOWN.get(name) ?? []) session.enable(what)
    if (KNOWN.has(name) && !on.includes(name)) on.push(name)
  }
  if (session.selected && session.enabled.has('CONDSTORE')) session.selected.condstore = true
  session.write(`* ENABLED${on.map(name => ` ${name === 'IMAP4REV2' ? 'IMAP4rev2' : name}`).join('')}\r\n`)
  return { is: 'OK', text: 'Done' }
}
